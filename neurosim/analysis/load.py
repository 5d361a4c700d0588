"""Load: how busy every link and core was, and how full every core is.

Reads a Result, its Program and the chip; utilisation is over ``cycles``, those that were simulated: of
finished samples, and of one that broke off up to its verdict (None if they are not known).  A link's is
``flits * cycles_per_flit / cycles``, a core's the busier of its synapse pipeline and its neuron loop over
``cycles``.  What was under way when a run broke off is counted in full, so both stop at 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, Program
from neurosim.artefacts.result import Counters
from neurosim.chip.capacity import tile_capacity
from neurosim.chip.models import Chip
from neurosim.fabric.topology import NOTHING, TO_CORE, TO_HOST, Fabric
from neurosim.rules.events import EVENT_INDEX

Resource = Literal["neurons", "axons", "synapse_words", "target_entries"]
RESOURCES: tuple[Resource, ...] = ("neurons", "axons", "synapse_words", "target_entries")


@dataclass(frozen=True)
class LinkLoad:
    """One output port; ``kind`` is link, crossing (between chips), host or core.

    The link from the host into the system has ``router`` HOST and the port of the host's router; how
    long its flits waited is not measured (None).
    """

    router: int
    port: int
    kind: Literal["link", "crossing", "host", "core"]
    name: str
    flits: int
    blocked_cycles: int | None
    utilisation: float | None


@dataclass(frozen=True)
class CoreLoad:
    """One used core; ``used`` and ``limit`` are its capacities by resource."""

    core: int
    chip: int
    x: int
    y: int
    populations: tuple[str, ...]
    n_neurons: int
    synaptic_operations: int
    packets_decoded: int
    packets_sent: int
    spikes: int
    pipeline_busy_cycles: int
    loop_busy_cycles: int
    loop_stall_cycles: int | None
    utilisation: float | None
    used: dict[Resource, int]
    limit: dict[Resource, int]


def link_loads(counters: Counters, fabric: Fabric, cycles: int) -> tuple[LinkLoad, ...]:
    """Every output port that leads somewhere, in order of (router, port); empty if not measured.

    The host's link into the system comes first, if there is a host.
    """
    if not counters.port_flits.size:
        return ()
    loads = [_from_host(counters, fabric, cycles)] if fabric.chip.host else []
    blocked = counters.port_blocked_cycles
    for router, port in np.argwhere(fabric.target != NOTHING).tolist():
        flits = int(counters.port_flits[router, port])
        busy = flits * int(fabric.interval[router, port])
        loads.append(
            LinkLoad(
                router=router,
                port=port,
                kind=_kind(fabric, router, port),
                name=fabric.describe(router, port),
                flits=flits,
                blocked_cycles=int(blocked[router, port]) if blocked.size else None,
                utilisation=_share(busy, cycles),
            )
        )
    return tuple(loads)


def _from_host(counters: Counters, fabric: Fabric, cycles: int) -> LinkLoad:
    """The link host -> router: the flits of the host link that no router sent."""
    router, port = fabric.tile_of(HOST), fabric.port_of(HOST)
    both_ways = int(counters.sample_events[:, EVENT_INDEX["flit_host"]].sum())
    flits = both_ways - int(counters.port_flits[router, port])
    busy = flits * int(fabric.interval[router, port])
    name = f"host to {fabric.describe(router, port)}"
    return LinkLoad(HOST, port, "host", name, flits, None, _share(busy, cycles))


def _share(busy_cycles: int, cycles: int) -> float | None:
    return min(1.0, busy_cycles / cycles) if cycles else None


def _kind(fabric: Fabric, router: int, port: int) -> Literal["link", "crossing", "host", "core"]:
    target = int(fabric.target[router, port])
    if target == TO_HOST:
        return "host"
    if target == TO_CORE:
        return "core"
    return "crossing" if fabric.crosses[router, port] else "link"


def core_loads(
    counters: Counters, program: Program, fabric: Fabric, cycles: int
) -> tuple[CoreLoad, ...]:
    """Every used core in ascending order; empty if the engine counted nothing per core."""
    if not counters.core_events.size:
        return ()
    return tuple(_core_load(counters, image, fabric, cycles) for image in program.cores)


def _core_load(
    counters: Counters, image: CoreProgram, fabric: Fabric, cycles: int
) -> CoreLoad:
    core = image.core
    tile = fabric.tile_of(core)
    x, y = fabric.xy(tile)
    busy = counters.core_busy_cycles[core] if counters.core_busy_cycles.size else np.zeros(2, np.int64)
    stall = int(counters.loop_stall_cycles[core]) if counters.loop_stall_cycles.size else None
    events = counters.core_events[core]
    return CoreLoad(
        core=core,
        chip=fabric.chip_of(tile),
        x=x,
        y=y,
        populations=tuple(dict.fromkeys(group.population for group in image.groups)),
        n_neurons=image.n_neurons,
        synaptic_operations=int(events[EVENT_INDEX["synaptic_operation"]]),
        packets_decoded=int(events[EVENT_INDEX["packet_decoded"]]),
        packets_sent=int(events[EVENT_INDEX["packet_sent"]]),
        spikes=int(events[EVENT_INDEX["spike_generated"]]),
        pipeline_busy_cycles=int(busy[0]),
        loop_busy_cycles=int(busy[1]),
        loop_stall_cycles=stall,
        utilisation=_share(int(busy.max()), cycles),
        used=used_capacity(image, fabric.chip),
        limit=capacity_of(fabric, core),
    )


def used_capacity(image: CoreProgram, chip: Chip) -> dict[Resource, int]:
    """What a core's image takes of each resource."""
    words = sum(block.memory_words for block in image.blocks)
    return {
        "neurons": image.n_neurons,
        "axons": image.n_axons,
        "synapse_words": words + chip.core.state_words_per_neuron * image.n_neurons,
        "target_entries": int(image.targets.core.shape[0]),
    }


def capacity_of(fabric: Fabric, core: int) -> dict[Resource, int]:
    """What a core has of each resource."""
    x, y = fabric.xy(fabric.tile_of(core))
    mesh = fabric.chip.mesh
    limit = tile_capacity(fabric.chip, x % mesh.width, y % mesh.height)
    return {
        "neurons": limit.neurons,
        "axons": limit.axons,
        "synapse_words": limit.synapse_words,
        "target_entries": limit.target_entries,
    }


def busiest_links(loads: tuple[LinkLoad, ...], n: int = 10) -> tuple[LinkLoad, ...]:
    """The ``n`` busiest ports to another router or the host; ties by (router, port)."""
    links = [load for load in loads if load.kind != "core" and load.flits]
    return tuple(sorted(links, key=lambda a: (-(a.utilisation or 0.0), -a.flits, a.router, a.port))[:n])


def busiest_cores(loads: tuple[CoreLoad, ...], n: int = 10) -> tuple[CoreLoad, ...]:
    """The ``n`` busiest cores; ties by core number."""
    return tuple(sorted(loads, key=lambda a: (-(a.utilisation or 0.0), -a.synaptic_operations, a.core))[:n])
