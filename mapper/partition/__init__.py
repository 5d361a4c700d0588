"""Partition: which slices of which layers each core holds.

:func:`partition` reads a network's anatomy and a chip, runs the chosen algorithm (one file each) and
writes a :class:`~neurosim.artefacts.mapping.Partition`, or raises why it does not fit.
"""

from __future__ import annotations

from dataclasses import replace

from mapper.infeasible import InfeasibleError
from mapper.partition.base import Partitioner, Problem
from mapper.partition.clustered import Clustered
from mapper.partition.layer_order import LayerOrder
from mapper.partition.refine import refine
from mapper.partition.scarcity import explain, is_hopeless
from mapper.partition.sweep import LARGE_CORES, Sweep, cores_at_least
from mapper.partition.tiling import LayerTiling
from mapper.parts import divide, sizes_text
from neurosim.artefacts.mapping import Partition
from neurosim.errors import DoesNotFitError
from neurosim.store import digest

__all__ = ["LARGE_CORES", "Partitioner", "Problem", "partition"]

PARTITIONERS: tuple[Partitioner, ...] = (
    LayerTiling(), LayerOrder(), Sweep(), Clustered("hypergraph"), Clustered("mtkahypar"),
)  # fmt: skip


def partition(problem: Problem, chip_digest: str) -> Partition:
    """Partition the network of ``problem``.

    Raises:
        InfeasibleError: it does not fit, with the resource, the layer and remedies.
        DoesNotFitError: the chosen baseline gave up where the tiling does not.
    """
    if is_hopeless(problem):
        raise _refused(problem)
    name = problem.options.partitioner
    algorithm = next(p for p in PARTITIONERS if p.name == name)
    found = None
    if name == LayerTiling.name and cores_at_least(problem) >= LARGE_CORES:
        found = Sweep().partition(problem)
    if found is None:
        found = algorithm.partition(problem)
    if found is None and name != LayerTiling.name and LayerTiling().partition(problem) is not None:
        raise DoesNotFitError(
            f"partitioner '{name}' found no partition, though the network fits",
            code="map-partitioner",
            where=problem.anatomy.network.name,
            hint=f"use partitioner '{LayerTiling.name}'",
        )
    if found is None:
        raise _refused(problem)
    if problem.options.polish:
        better = refine(problem, [list(cluster.slices) for cluster in found.clusters])
        if better is not None:
            found = replace(better, solver=(*found.solver, *better.solver))
    return Partition(digest(problem.anatomy.network), chip_digest, found.clusters, found.solver)


def _refused(problem: Problem) -> InfeasibleError:
    """Why nothing fits; on a system that its defects cut, with the sizes of the parts."""
    found = explain(problem).error(problem.anatomy.network.name)
    parts = sizes_text(problem.chip)
    if parts is None:
        return found
    return InfeasibleError(
        f"the defects cut chip '{problem.chip.name}' into {parts}, and only the host's can be used: "
        f"{found.what}",
        code="map-cut-in-two", where=found.where, expected=found.expected, got=found.got,
        hint=f"the rest is out of reach behind {divide(problem.chip)}, among others", report=found.report,
    )  # fmt: skip
