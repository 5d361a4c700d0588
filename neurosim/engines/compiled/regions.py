"""Raw traffic on a system of chips, each chip a region that a thread of its own can run.

Conservative parallel simulation: what a chip sends to another, flit or credit, arrives no sooner than the
fastest link between them allows.  So every chip runs that many cycles, the *look-ahead*, on its own; then
what crossed changes sides.  Nothing of it depends on who runs a chip or when: a cycle's messages may be put
into place in any order (``rules/README.md``, section 1), so results equal those of
:mod:`~neurosim.engines.compiled.traffic` for any number of threads.

The records of routers and channels keep their global numbers in one memory, where every region touches
only its own; a region has a wheel, a list of active routers and sources for itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult
from neurosim.engines.compiled import region_kernel as kernel
from neurosim.engines.compiled import traffic_kernel as plain
from neurosim.engines.compiled.fabric_state import wheel_slots
from neurosim.engines.compiled.layout import FABRIC, LINE
from neurosim.engines.compiled.traffic import TrafficRun, result_of
from neurosim.fabric.tables import flow_fabric
from neurosim.fabric.topology import Fabric

SHARED = ("PICK", "TABLE_GOAL", "TABLE_OUT", "TREE_GOAL", "TREE_PORTS", "OWED", "N_FLIT_LOG", "FLIT_LOG")
"""Read only, or of traces and multicast, which raw traffic has none of."""
OWN_WIDE = tuple(name for name in FABRIC.wide if name not in SHARED)
OWN_NARROW = tuple(name for name in FABRIC.narrow if name not in SHARED)
ALONE = 1 << 40  # look-ahead of a region without neighbours
ROW = 2 * LINE  # what threads write side by side lies this many values apart
Array = NDArray[Any]


def chips_of(fabric: Fabric) -> Array:
    """The chip of every router."""
    return np.array([fabric.chip_of(router) for router in range(fabric.n_routers)], np.int32)


def crossing(fabric: Fabric, region: Array) -> tuple[Array, Array]:
    """(router, output port) of every link between routers of different regions."""
    there = region[np.maximum(fabric.target, 0)]
    router, port = np.nonzero((fabric.target >= 0) & (there != region[:, None]))
    return router, port


def look_ahead(fabric: Fabric, region: Array) -> tuple[int, int]:
    """The shortest and the longest time in cycles that a flit or a credit takes between regions."""
    links = crossing(fabric, region)
    times = np.concatenate([fabric.latency[links], fabric.credit_latency[links]])
    return int(times.min(initial=ALONE)), int(times.max(initial=0))


class RegionRun(TrafficRun):
    """The arrays for one run in regions; ``region`` is that of every router, from 0 (None: its chip)."""

    def __init__(
        self, fabric: Fabric, traffic: Traffic, n_threads: int, region: Array | None = None
    ) -> None:
        super().__init__(fabric, traffic)
        self.region = chips_of(fabric) if region is None else region.astype(np.int32)
        self.n_regions = int(self.region.max()) + 1
        self.n_threads = min(n_threads, self.n_regions)
        self.ahead, self.horizon = look_ahead(fabric, self.region)
        self.parity = 0
        self.barrier = np.zeros(ROW, np.int64)
        self._own_tuples()
        self._boxes()
        self._sources(traffic)

    def _own_tuples(self) -> None:
        """A tuple per region, and behind the plain state's memory the fields that are its own."""
        state, n = self.state, int(np.bincount(self.region).max())
        fabric, wheel = self.fabric, state.constant("WHEEL")
        n_crossing = len(crossing(fabric, self.region)[0])
        endpoints = n * fabric.chip.mesh.cores_per_tile
        slots = wheel_slots(fabric, n, endpoints, n_crossing)
        sizes = {name: len(state.field(name)) for name in OWN_WIDE + OWN_NARROW}
        sizes |= {"FLIT": 2 * wheel * slots, "CREDIT": wheel * slots}
        starts, size = {}, 0
        for name in OWN_WIDE + OWN_NARROW:
            starts[name] = size
            size += -(-sizes[name] // (LINE if name in OWN_WIDE else 2 * LINE)) * LINE
        memory = state.grow(self.n_regions * size)
        self.tuples = np.tile(np.array(state.tuple, np.int64), (self.n_regions, 1))
        self.tuples[:, FABRIC.place("SLOT_SHIFT")] = slots.bit_length() - 1
        for name, start in starts.items():
            at = memory + start + np.arange(self.n_regions) * size
            self.tuples[:, FABRIC.place(name)] = at if name in OWN_WIDE else 2 * at

    def _boxes(self) -> None:
        """Room for what regions can send each other in one quantum, by (sender, receiver)."""
        n, (router, port) = self.n_regions, crossing(self.fabric, self.region)
        sender, receiver = self.region[router], self.region[self.fabric.target[router, port]]
        room = np.zeros((n, n), np.int64)
        np.add.at(room, (sender, receiver), self.ahead)  # a flit per link and cycle
        np.add.at(room, (receiver, sender), self.ahead * self.fabric.n_vcs)  # a credit per channel and cycle
        ends = np.cumsum(room)
        self.place = (ends - room.reshape(-1)).reshape(n, n)
        self.boxes = np.zeros((2, int(ends[-1]), 3), np.int64)
        self.counts = np.zeros((2, n, -(-n // ROW) * ROW), np.int64)

    def _sources(self, traffic: Traffic) -> None:
        """Packets by the region that they start in, and what the plain kernel keeps of its progress."""
        n, per_tile = self.n_regions, self.fabric.chip.mesh.cores_per_tile
        home = self.region[traffic.source // per_tile]
        by_home = np.argsort(home, kind="stable")
        self.sources, self.cycles = self.source[by_home], self.cycle[by_home]
        self.first_packet = np.concatenate([[0], np.cumsum(np.bincount(home, minlength=n))])
        self.nodes_of = np.tile(self.nodes.reshape(1, -1), (n, 1))
        self.progress_of = np.zeros((n, ROW), np.int64)
        self.scratch_of = np.zeros((n, 4, ROW), np.int64)
        self.reports = np.zeros((2, n, ROW), np.int64)
        for r in range(n):
            mine = self.cycles[self.first_packet[r] : self.first_packet[r + 1]]
            self.reports[0, r, kernel.NEXT] = mine[0] if len(mine) else kernel.NEVER

    def advance(self, until: int, max_cycles: int, every: int = 0) -> int:
        """Run the kernel on all threads; returns its status.  Passes over no check, whatever ``every`` is."""
        self.barrier[:] = 0
        arguments: tuple[Any, ...] = (
            self.n_threads, self.barrier, self.tuples, self.state.narrow, self.state.wide, self.address,
            self.nodes_of, self.sources, self.cycles, self.first_packet, self.order, self.arrive,
            self.progress_of, self.scratch_of, self.region, self.place, self.counts, self.boxes,
            self.reports, self.fabric.chip.router.injection_cycles, self.ahead, self.horizon,
            until, max_cycles, self.parity,
        )  # fmt: skip
        if self.n_threads == 1:
            statuses = {kernel.run(0, *arguments)}
        else:
            with ThreadPoolExecutor(self.n_threads) as pool:
                work = [pool.submit(kernel.run, thread, *arguments) for thread in range(self.n_threads)]
                statuses = {thread.result() for thread in work}
        (status,) = statuses
        self._gather(kernel.ENDED if status == plain.DONE else kernel.WORKED)
        return int(status)

    def _gather(self, last: int) -> None:
        """The whole system's progress from the regions'."""
        self.parity = int(self.barrier[kernel.PARITY])
        self.progress[plain.UPCOMING] = self.barrier[kernel.UPCOMING]
        self.progress[plain.ARRIVED] = self.progress_of[:, plain.ARRIVED].sum()
        self.progress[plain.LAST_ARRIVAL] = self.progress_of[:, plain.LAST_ARRIVAL].max()
        self.progress[plain.NOW] = self.progress_of[:, last].max()
        dropped = self.state.wide[self.tuples[:, kernel.DROPPED]]
        self.state.field("DROPPED")[0] = dropped.sum()


def run_traffic(
    chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions, n_threads: int
) -> TrafficResult:
    """Inject ``traffic`` on ``chip`` as the plain engine does, chip by chip on ``n_threads`` threads.

    The same result for any number of threads, at least 1; more than there are chips have nothing to do.
    """
    fabric = flow_fabric(chip, traffic.table, traffic.source, traffic.target)
    run = RegionRun(fabric, traffic, n_threads)
    return result_of(run, traffic, run.drain(max_cycles, options))
