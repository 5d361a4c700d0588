"""Partition: which slices of which layers each core holds.

:func:`partition` reads a network's anatomy and a chip, runs the chosen algorithm (one file each) and
writes a :class:`~neurosim.artefacts.mapping.Partition`, or raises why it does not fit.
"""

from __future__ import annotations

from mapper.partition.base import Partitioner, Problem
from mapper.partition.layer_order import LayerOrder
from mapper.partition.scarcity import explain
from mapper.partition.tiling import LayerTiling
from neurosim.artefacts.mapping import Partition
from neurosim.store import digest

__all__ = ["Partitioner", "Problem", "partition"]

PARTITIONERS: tuple[Partitioner, ...] = (LayerTiling(), LayerOrder())


def partition(problem: Problem, chip_digest: str) -> Partition:
    """Partition the network of ``problem``.

    Raises:
        InfeasibleError: it does not fit, with the resource, the layer and remedies.
    """
    name = problem.options.partitioner
    algorithm = next(p for p in PARTITIONERS if p.name == name)
    found = algorithm.partition(problem)
    if found is None:
        raise explain(problem).error(problem.anatomy.network.name)
    return Partition(digest(problem.anatomy.network), chip_digest, found.clusters, found.solver)
