"""Options of the mapping compiler: seed, activity, objective and effort.

Nothing here is a wall-clock time: efforts are counted in the solvers' own deterministic units, so the
same network, chip and options give the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError, did_you_mean
from neurosim.network.model import Network

ASSUMED_SPIKES = 1.0
"""Spikes per neuron and sample where no measured activity is given (named in every outcome)."""

PARTITIONERS = ("tiling", "layer_order", "sweep", "hypergraph", "mtkahypar")
PLACERS = ("auto", "exact", "annealed", "swaps", "row_order")
PLACE_FOR = ("hops", "tree_hops", "busiest_link", "weighted")
OBJECTIVES = ("cores", "traffic")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class MapOptions:
    """How to map.

    ``activity`` gives, by population name, the expected spikes per neuron and sample, shape (n,);
    a population that is not named counts as :data:`ASSUMED_SPIKES`.  ``objective`` "cores" asks for
    the fewest cores and then the least traffic, "traffic" for the least traffic on all cores.
    ``cores`` gives the mapping itself, the core number of every neuron (:mod:`mapper.given`).
    ``place_for`` is what placement makes small: see :mod:`mapper.objectives`.
    ``effort`` scales the solvers' deterministic budgets (1.0 is right for everyday use); ``time_limit_s`` can
    only cut the search for a placement short, and the placement's report then says so.
    ``polish`` lets slices of different layers share cores where that saves cores, then traffic.
    ``repair`` False leaves a mapping that can deadlock as it is; True repairs it where the chip allows.
    ``multicast`` False sends single packets only, also on chips whose routers have multicast tables.
    ``progress`` is called with one sentence per stage, ``detail`` with the state of a long one; they must
    not raise.
    """

    seed: int = 0
    activity: Mapping[str, NDArray[np.float64]] | None = None
    objective: str = "cores"
    partitioner: str = "tiling"
    placer: str = "auto"
    place_for: str = "hops"
    time_limit_s: float | None = None
    effort: float = 1.0
    cores: NDArray[np.generic] | None = None
    repair: bool = True
    polish: bool = False
    multicast: bool = True
    progress: Progress | None = None
    detail: Progress | None = None

    def __post_init__(self) -> None:
        for name, known in (
            ("objective", OBJECTIVES),
            ("partitioner", PARTITIONERS),
            ("placer", PLACERS),
            ("place_for", PLACE_FOR),
        ):
            if getattr(self, name) not in known:
                raise InputError(
                    f"unknown {name} of the mapper",
                    code="map-option",
                    where=f"MapOptions.{name}",
                    expected="one of " + ", ".join(known),
                    got=str(getattr(self, name)),
                    hint=did_you_mean(str(getattr(self, name)), known),
                )
        if not self.effort > 0:
            raise InputError(
                "the mapper's effort must be above 0",
                code="map-option",
                where="MapOptions.effort",
                got=str(self.effort),
            )

        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise InputError(
                "the time limit of the search must be above 0 s",
                code="map-option",
                where="MapOptions.time_limit_s",
                got=f"{self.time_limit_s:g}",
                hint="leave it out for no limit; the effort alone then says how long the search is",
            )

    def say(self, text: str) -> None:
        """Report progress."""
        if self.progress is not None:
            self.progress(text)

    def tell(self, text: str) -> None:
        """Report how a long stage goes on."""
        if self.detail is not None:
            self.detail(text)


def spikes_of(network: Network, options: MapOptions) -> dict[str, NDArray[np.float64]]:
    """Expected spikes per neuron and sample of every population, shape (n,) each.

    Raises:
        InputError: the activity names no population of the network, has a wrong shape, or holds
            values that are negative or not finite.
    """
    given = options.activity or {}
    names = [p.name for p in network.populations]
    for name in sorted(given):
        if name not in names:
            raise InputError(
                f"the activity names a population '{name}' that the network does not have",
                code="map-activity",
                where=f"activity['{name}']",
                hint=did_you_mean(name, names),
            )
    out = {}
    for population in network.populations:
        values = np.asarray(given.get(population.name, np.full(population.n, ASSUMED_SPIKES)), np.float64)
        if values.shape != (population.n,):
            raise InputError(
                "the activity has a wrong shape",
                code="map-activity",
                where=f"activity['{population.name}']",
                expected=f"({population.n},)",
                got=str(values.shape),
            )
        if not np.isfinite(values).all() or (values < 0).any():
            raise InputError(
                "the activity must be finite and not negative",
                code="map-activity",
                where=f"activity['{population.name}']",
            )
        out[population.name] = values
    return out


def describe_activity(network: Network, mapped: Network, options: MapOptions) -> str:
    """One phrase for reports: measured, assumed, or part measured.

    Populations of ``mapped`` that ``network`` has not are partial sums, which nobody could measure, or
    relays, which have their source's spikes.
    """
    given = options.activity or {}
    names = [p.name for p in network.populations]
    missing = [name for name in names if name not in given]
    text = "measured spikes per neuron and sample"
    assumed = f"assumed {ASSUMED_SPIKES:g} spike per neuron and sample"
    if missing:
        text = f"measured, but {assumed} for {', '.join(missing)}" if given else assumed
    if any(p.name not in names and ".relay." not in p.name for p in mapped.populations):
        text += " (the spikes of a split fan-in's partial sums are estimates made from these)"
    return text
