"""Multicast in ``verify``: networks of which our mapper makes trees, on the whole chip.

Reads a chip with ``router.multicast_entries``; every packet, every step's end and every counter must be the
reference engine's.  Meshes with trees in lock-step are :func:`rtl_models.fabric_checks.meshes`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neurosim.artefacts.program import Program, tree_sends
from neurosim.chip.loader import edit_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import Workload
from neurosim.errors import DoesNotFitError
from rtl_models import core_checks
from rtl_models.cases import Bench, Case, Group, Outcome
from rtl_models.scale import size_note, size_text

NETWORKS = {"quick": 1, "full": 6}
TRIES = 12  # networks drawn for one case
FAR = 7919  # between the seeds of two draws
FEW_NEURONS = 6  # of a core


def networks(chip: Chip, small: Chip, bench: Bench) -> Group | None:
    """Random networks with trees on ``small``, which stands for ``chip``.

    Its cores are made so small that layers need several of them.  None if none of those that were drawn has
    trees.
    """
    size = size_note(chip, small) or f"on {size_text(small)}"
    few = {"core.neurons": min(FEW_NEURONS, small.core.neurons), "core_types": ()}
    small = edit_chip(small, few, "small cores for multicast")
    found: list[tuple[Program, Workload]] = []
    wanted = max(1, NETWORKS[bench.suite] // (4 if core_checks.has_long_steps(small) else 1))
    for attempt in range(TRIES * wanted):
        try:
            drawn = core_checks.random_program(small, bench.seed + FAR * (attempt + 1))
        except DoesNotFitError:
            continue
        if len(tree_sends(drawn[0])[0]):
            found.append(drawn)
        if len(found) == wanted:
            break
    if not found:
        return None

    def run(program: Program, inputs: Workload) -> Callable[[Path], Outcome]:
        case = f"network {program.name} on {size_text(small)}"
        return lambda folder: core_checks.compare(program, inputs, case, bench, None, folder)

    cases = tuple(Case(f"network with trees {k + 1}", run(*each)) for k, each in enumerate(found))
    trees = sum(program.trees.n_trees for program, _ in found if program.trees is not None)
    note = f"{trees} tree{'' if trees == 1 else 's'} {size}, {small.core.neurons} neurons a core"
    return Group("neuro_chip", "multicast networks", cases, note)


def why_not(small: Chip) -> str:
    """Why no network has trees."""
    if small.router.multicast_entries is None:
        return "this chip's routers have none (router.multicast_entries is not set)"
    return f"on {size_text(small)} no network that was drawn has neurons that send to several cores"
