"""Retiming: when each population starts on hardware, and how many steps each projection takes there.

In a framework a spike crosses all feed-forward layers within its step; on hardware it takes one step
per hop.  So population ``p`` runs ``start_step[p]`` steps late, and a projection of delay ``d`` takes
``start_step[target] - start_step[source] + d`` hardware steps, which must be at least 1.  The smallest
such starts are the longest paths of the constraint graph; a loop whose total delay is shorter than its
number of hops has none, and is refused.  Spikes are then the framework's, shifted by ``start_step``.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.errors import InputError
from neurosim.network.model import Network


@dataclass(frozen=True)
class Schedule:
    """``start_step`` by population name, ``hardware_delay`` by projection name, in steps."""

    start_step: dict[str, int]
    hardware_delay: dict[str, int]

    @property
    def depth(self) -> int:
        """Hardware steps that a sample needs beyond its own."""
        return max(self.start_step.values())


def schedule(network: Network) -> Schedule:
    """The earliest legal schedule of ``network``.

    Raises:
        InputError: a loop of the network is faster than hardware can be.
    """
    start = {population.name: 0 for population in network.populations}
    moved = ""
    for _ in range(len(start) + 1):
        moved = ""
        for projection in network.projections:
            earliest = start[projection.source] + 1 - projection.delay_steps
            if earliest > start[projection.target]:
                start[projection.target] = earliest
                moved = projection.name
        if not moved:
            break
    else:
        raise InputError(
            f"a loop through projection '{moved}' is faster than one step per hop",
            code="network-fast-loop",
            where=network.name,
            expected="every loop to have at least one step of delay per projection in it",
            hint="give the loop a Delay node, or merge its populations",
        )
    delay = {
        p.name: start[p.target] - start[p.source] + p.delay_steps for p in network.projections
    }
    return Schedule(start, delay)
