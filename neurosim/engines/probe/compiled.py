"""Reads the compiled engine's arrays as the canonical state of :mod:`neurosim.engines.probe`.

Everything that depends on how the arrays are laid out is in :class:`FabricReader` and :class:`CoreReader`.
Changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from neurosim.artefacts.mapping import HOST
from neurosim.engines import probe
from neurosim.engines.base import RunOptions, Traffic
from neurosim.engines.compiled import core_places as cores
from neurosim.engines.compiled import program_kernel, traffic_kernel
from neurosim.engines.compiled.core_state import ProgramTables
from neurosim.engines.compiled.fabric_state import STRIDE, by_port, vc_stride
from neurosim.engines.compiled.layout import State
from neurosim.engines.compiled.program import CompiledSample
from neurosim.engines.compiled.traffic import TrafficRun
from neurosim.engines.compiled.views import RouterViews
from neurosim.engines.waits import end_name
from neurosim.fabric.topology import Fabric
from neurosim.rules.events import EVENT_NAMES

_NEVER = 1 << 60  # no step is limited, no check is due
Name = Callable[[int], probe.Flit]
Messages = dict[int, list[tuple[int, Any]]]


class FabricReader:
    """Routers and wires; ``name`` turns a flit of the kernel into its canonical form."""

    def __init__(self, fabric: Fabric, state: State, name: Name) -> None:
        self.fabric = fabric
        self.state = state
        self.n_channels = state.constant("N_CHANNELS")
        self._name = name
        self._names = probe.Names(fabric)
        self._views = RouterViews(fabric, state, str)
        self._vcs = fabric.n_vcs
        self._stride = vc_stride(fabric)

    def _list(self, field: str) -> list[Any]:
        values: list[Any] = self.state.field(field).tolist()
        return values

    def under_way(self, cycle: int) -> tuple[Messages, Messages]:
        """Flits and credits on the wires by where they go, as (arrival cycle, what)."""
        state, wheel, slots = self.state, self.state.constant("WHEEL"), 1 << self.state.constant("SLOT_SHIFT")
        flits, credits = defaultdict(list), defaultdict(list)
        pairs, goals = state.field("FLIT"), state.field("CREDIT")
        for slot in range(wheel):
            at, base = cycle + 1 + (slot - cycle - 1) % wheel, slot * slots
            n, m = int(state.field("N_FLITS")[slot]), int(state.field("N_CREDITS")[slot])
            for to, flit in pairs[2 * base : 2 * (base + n)].reshape(-1, 2).tolist():
                flits[to].append((at, self._name(flit)))
            for to in goals[base : base + m].tolist():
                credits[to].append((at, None))
        return flits, credits

    def endpoint(self, index: int) -> int:
        """Where messages for endpoint ``index`` go, on virtual channel 0."""
        return self.n_channels + index * self._stride

    def at_endpoint(self, index: int, core: int, messages: Messages, cycle: int) -> tuple[Any, ...]:
        """Flits on their way to an endpoint, which is ``core`` (or HOST), per virtual channel."""
        first = self.endpoint(index)
        coming = [messages.get(first + vc, ()) for vc in range(self._vcs)]
        return tuple(
            probe.wires([(at, probe.as_leaf(self.fabric, flit, core)) for at, flit in part], cycle)
            for part in coming
        )

    def credits_to(self, index: int, messages: Messages, cycle: int) -> tuple[int, ...]:
        """Cycles to go of the credits on their way to an endpoint, whatever their channel."""
        first = self.endpoint(index)
        return _delays([m for vc in range(self._stride) for m in messages.get(first + vc, ())], cycle)

    def snapshot(self, cycle: int, flits: Messages, credits: Messages) -> probe.Snapshot:
        """All routers."""
        found: probe.Snapshot = {}
        pointers = self._list("ROUTER_POINTER")
        self._channels(cycle, flits, credits, found)
        self._ports(cycle, found)
        for router, name in enumerate(self._names.router):
            found[name] = {"pointer": pointers[router]}
        return found

    def _channel_name(self, local: int) -> str | None:
        if local < 0:
            return None
        port, vc = divmod(local, self._stride)
        return self._names.channels[port * self._vcs + vc]

    def _channels(
        self, cycle: int, flits: Messages, credits: Messages, found: probe.Snapshot
    ) -> None:
        names = ("LENGTH", "FIRST", "SINCE", "CREDITS", "OWNER", "DROPPING")
        length, first, since, credit, owner, dropping = (self._list(name) for name in names)
        fifo, ring = self.state.field("FIFO"), self.state.constant("RING")
        for router in range(self.fabric.n_routers):
            for outside in range(self.fabric.n_ports * self._vcs):
                port, vc = divmod(outside, self._vcs)
                local = port * self._stride + vc
                at = router * STRIDE * self._stride + local
                slots = ((first[at] + k) & (ring - 1) for k in range(length[at]))
                wants = self._wants(router, outside) if length[at] else ""
                found[self._names.input[router][outside]] = probe.input_channel(
                    cycle, [self._name(int(fifo[at, slot])) for slot in slots],
                    wants, since[at], dropping[router] >> local & 1 == 1,
                    probe.wires(flits.get(at, ()), cycle),
                )  # fmt: skip
                found[self._names.output[router][outside]] = {
                    "credits": credit[at],
                    "credits on the wire": _delays(credits.get(at, []), cycle),
                    "owner": self._channel_name(owner[at]),
                }

    def _wants(self, router: int, channel: int) -> str:
        return self._names.channels_of(self._views[router].wanted(channel))

    def _ports(self, cycle: int, found: probe.Snapshot) -> None:
        names = ("VC_POINTER", "PEAK", "FREE_AT", "PORT_POINTER", "PORT_FLITS", "BLOCKED")
        tables = (by_port(self.fabric, self.state.field(name)).tolist() for name in names)
        vc_pointer, peak, free_at, pointer, sent, blocked = tables
        for n in range(self.fabric.n_routers):
            for port in range(self.fabric.n_ports):
                found[self._names.in_port[n][port]] = {
                    "vc pointer": vc_pointer[n][port], "most flits held": peak[n][port],
                }  # fmt: skip
                found[self._names.out_port[n][port]] = {
                    "cycles left": probe.left(free_at[n][port], cycle), "pointer": pointer[n][port],
                    "flits sent": sent[n][port], "cycles waited for": blocked[n][port],
                }  # fmt: skip


def _delays(messages: list[tuple[int, Any]], cycle: int) -> tuple[int, ...]:
    return tuple(sorted(at - cycle for at, _ in messages))


class CoreReader:
    """The cores of a sample."""

    def __init__(self, tables: ProgramTables, state: State, fabric: FabricReader) -> None:
        self._tables = tables
        self._state = state
        self._fabric = fabric

    def flit(self, flit: int) -> probe.Flit:
        """A flit of the kernel in canonical form."""
        packet, field = flit >> 4, self._state.field
        return (
            int(field("PK_SOURCE")[packet]), int(field("PK_TARGET")[packet]),
            int(field("PK_STEP")[packet]), int(field("PK_AXON")[packet]),
            int(field("PK_INJECT")[packet]), -1, flit & 15,
        )  # fmt: skip

    def _at(self, name: str, index: int | tuple[int, int]) -> int:
        return int(self._state.field(name)[index])

    def _ring(self, name: str, fifo: int, own: int | tuple[int, int]) -> list[probe.Flit]:
        """Flits of ring ``fifo``, whose first slot and length stand at ``own``."""
        size = self._state.constant(f"{name}_RING")
        first, n = self._at(f"{name}_FIRST", own), self._at(f"{name}_LENGTH", own)
        slots = [fifo * size + (first + k & size - 1) for k in range(n)]
        return [self.flit(self._at(name, slot)) for slot in slots]

    def core(self, k: int, cycle: int, flits: Messages, credits: Messages, found: probe.Snapshot) -> None:
        """Everything of used core ``k``."""
        name, at = end_name(self._at("CORE", k)), self._at
        n_vcs = self._fabric.fabric.n_vcs
        for vc, arriving in enumerate(self._fabric.at_endpoint(k, at("CORE", k), flits, cycle)):
            held = tuple(self._ring("RX", k * n_vcs + vc, (k, vc)))
            found[f"{name} receive vc {vc}"] = {"flits": held, "flits on the wire": arriving}
        packet = at("PACKET", k)
        until = at("PIPELINE_UNTIL", k) if packet >= 0 else 0
        found[f"{name} pipeline"] = {
            "packet": self.flit(packet << 4) if packet >= 0 else None,
            "cycles left": probe.left(until, cycle),
            "memory cycles left": probe.left(at("MEMORY_FREE", k), cycle),
            "pointer": at("RX_POINTER", k),
        }
        tokens = range(at("START_NEXT", k), at("START_NEXT", k) + at("START_COUNT", k))
        found[f"{name} loop"] = probe.loop(
            cycle, at("CORE_STEP", k), tokens, at("STALLED_SINCE", k), self._place(k, cycle)
        )
        found[f"{name} transmit"] = {
            "flits": tuple(self._ring("TX", k, k)), "credits": at("TX_CREDITS", k),
            "credits on the wire": self._fabric.credits_to(k, credits, cycle), "cycles left": 0,
        }  # fmt: skip
        self._neurons(k, name, found)
        self._counters(k, name, until, cycle, found)

    def _span(self, k: int) -> slice:
        return slice(self._at("FIRST_NEURON", k), self._at("LAST_NEURON", k))

    def _neurons(self, k: int, name: str, found: probe.Snapshot) -> None:
        span, field = self._span(k), self._state.field
        banks = field("BANK").reshape(self._state.constant("N_BANKS"), -1)[:, span].tolist()
        found[f"{name} neurons"] = {
            "membrane": tuple(field("V")[span].tolist()), "current": tuple(field("I")[span].tolist()),
            **{f"accumulator {slot}": tuple(bank) for slot, bank in enumerate(banks)},
        }  # fmt: skip

    def _counters(self, k: int, name: str, until: int, cycle: int, found: probe.Snapshot) -> None:
        at = self._at
        events = self._state.field("EVENTS")[k].tolist()
        busy = at("LOOP_BUSY", k)
        if at("LOOPING", k):
            busy -= probe.left(at("LOOP_UNTIL", k), cycle)
        found[f"{name} counters"] = dict(zip(EVENT_NAMES, events, strict=True)) | {
            "pipeline busy cycles": at("PIPELINE_BUSY", k) - probe.left(until, cycle),
            "loop busy cycles": busy, "loop stall cycles": at("STALL", k), "late packets": at("LATE", k),
            "membrane overflows": at("MEMBRANE_OVER", k),
            "accumulator overflows": at("ACCUMULATOR_OVER", k),
        }  # fmt: skip

    def _place(self, k: int, cycle: int) -> probe.Fields | None:
        if not self._at("LOOPING", k):
            return None
        span = self._span(k)
        cycles, spikes = (self._state.field(name)[span].tolist() for name in ("CYCLES", "SPIKES"))
        # a neuron whose group sleeps has no cycles and is not visited
        visits = [(n, cycles[n], spikes[n]) for n in range(len(cycles)) if cycles[n]]
        begun_to = self._at("POSITION", k) - span.start
        position = sum(neuron < begun_to for neuron, _, _ in visits)
        entries = self._entries(span.start + visits[position - 1][0]) if position else []
        return probe.loop_place(
            cycle, self._at("LOOP_UNTIL", k), visits, position, self._state.constant("SPIKE_CYCLES"),
            self._sending(k), len(entries),
        )  # fmt: skip

    def _entries(self, neuron: int) -> list[tuple[int, int]]:
        """(target, axon) of every packet that one spike of ``neuron`` sends."""
        return self._targets(self._at("T_POINTER", neuron), self._at("T_POINTER", neuron + 1))

    def _targets(self, first: int, last: int) -> list[tuple[int, int]]:
        columns = (self._state.field(name)[first:last].tolist() for name in ("T_CORE", "T_AXON"))
        return list(zip(*columns, strict=True))

    def _sending(self, k: int) -> list[tuple[int, int]]:
        times = self._at("SEND_TIMES", k)
        if not times:
            return []
        rest = self._targets(self._at("SEND_NEXT", k), self._at("SEND_LAST", k))
        return rest + self._entries(self._at("SEND_NEURON", k)) * (times - 1)


class ProgramProbe:
    """One sample ``x`` (steps, inputs) of a program, see :class:`neurosim.engines.probe.Probe`."""

    def __init__(self, tables: ProgramTables, x: Any) -> None:
        self.run = CompiledSample(tables, x, RunOptions(max_step_cycles=_NEVER))
        self._routers = FabricReader(tables.fabric, self.run.net, self._flit)
        self._cores = CoreReader(tables, self.run.state, self._routers)
        self._status = program_kernel.CHECK
        self._cycle = 0

    def _flit(self, flit: int) -> probe.Flit:
        return self._cores.flit(flit)

    @property
    def has_ended(self) -> bool:
        """See :class:`neurosim.engines.probe.Probe`."""
        return self._status == program_kernel.DONE

    def upcoming(self) -> int | None:
        """See :class:`neurosim.engines.probe.Probe`."""
        return self._entry(cores.UPCOMING) if self._status == program_kernel.CHECK else None

    def advance(self, cycle: int) -> None:
        """See :class:`neurosim.engines.probe.Probe`."""
        if not self.has_ended:
            self._status = self.run._advance(cycle)
        self._cycle = cycle

    def _entry(self, index: int) -> int:
        return int(self.run.state.field("RUN")[index])

    def snapshot(self) -> probe.Snapshot:
        """See :class:`neurosim.engines.probe.Probe`."""
        cycle = self._cycle
        flits, credits = self._routers.under_way(cycle)
        found = self._routers.snapshot(cycle, flits, credits)
        n_cores = self.run.state.constant("N_CORES")
        for k in range(n_cores):
            self._cores.core(k, cycle, flits, credits, found)
        found["host"] = {
            "flits": tuple(self._host_flits()), "credits": self._entry(cores.HOST_CREDITS),
            "credits on the wire": self._routers.credits_to(n_cores, credits, cycle),
            "cycles left": probe.left(self._entry(cores.HOST_FREE), cycle),
            "flits sent": self._entry(cores.HOST_FLITS),
            "flits received": self._entry(cores.HOST_RECEIVED),
            "flits on the wire": self._routers.at_endpoint(n_cores, HOST, flits, cycle),
        }  # fmt: skip
        return found | self._steps(cycle)

    def _steps(self, cycle: int) -> probe.Snapshot:
        starts, ends = (self.run.state.field(name).tolist() for name in ("STEP_START", "STEP_END"))
        at = self._entry(cores.NEXT_START)
        self.run._empty()  # journeys that are too long for the kernel's histogram
        missed = self.run._missed[: self._entry(cores.N_MISSED)].tolist()
        return {
            "steps": {
                "starts": tuple(start for start in starts if start >= 0),
                "ends": tuple(end for end in ends if end >= 0),
                "token on the wire": ((at - cycle, self._entry(cores.STEP)),) if at >= 0 else (),
                "barriers": self._entry(cores.BARRIERS), "missed": tuple(map(tuple, missed)),
            },
            "packets": {
                "open work": self._entry(cores.OPEN), "sent": self._entry(cores.SENT),
                "arrived": self._entry(cores.ARRIVED), "dropped": int(self.run.net.field("DROPPED")[0]),
                "journeys": tuple(sorted(self.run._latency().items())),
            },
        }  # fmt: skip

    def _host_flits(self) -> list[probe.Flit]:
        """What the host has to send: a packet that it has begun has its cycle of injection."""
        n_flits = self.run.net.constant("FLITS")
        first, index = self._entry(cores.HOST_NEXT), self._entry(cores.HOST_INDEX)
        found: list[probe.Flit] = []
        for entry in range(first, self._entry(cores.HOST_DUE)):
            target, step, axon = (
                int(self.run.state.field(name)[entry]) for name in ("H_CORE", "H_STEP", "H_AXON")
            )
            begun = index if entry == first else 0
            inject = self._flit(self._entry(cores.HOST_PACKET) << 4)[4] if begun else -1
            flits = range(begun, n_flits)
            found += [(HOST, target, step, axon, inject, -1, number) for number in flits]
        return found


class TrafficProbe:
    """Raw traffic, see :class:`neurosim.engines.probe.Probe`."""

    def __init__(self, fabric: Fabric, traffic: Traffic) -> None:
        self.run = TrafficRun(fabric, traffic)
        self._routers = FabricReader(fabric, self.run.state, self._flit)
        self._status = traffic_kernel.CHECK
        self._cycle = 0

    def _flit(self, flit: int) -> probe.Flit:
        packet = flit >> 4
        source, target = int(self.run.source[packet]), int(self.run.target[packet])
        return (source, target, 0, 0, int(self.run.cycle[packet]), packet, flit & 15)

    @property
    def has_ended(self) -> bool:
        """See :class:`neurosim.engines.probe.Probe`."""
        return self._status == traffic_kernel.DONE

    def upcoming(self) -> int | None:
        """See :class:`neurosim.engines.probe.Probe`."""
        if self._status != traffic_kernel.CHECK:
            return None
        return int(self.run.progress[traffic_kernel.UPCOMING])

    def advance(self, cycle: int) -> None:
        """See :class:`neurosim.engines.probe.Probe`."""
        if not self.has_ended:
            self._status = self.run.advance(cycle, _NEVER)
        self._cycle = cycle

    def snapshot(self) -> probe.Snapshot:
        """See :class:`neurosim.engines.probe.Probe`."""
        cycle, dropped = self._cycle, int(self.run.state.field("DROPPED")[0])
        flits, credits = self._routers.under_way(cycle)
        n_open = len(self.run.cycle) - int(self.run.progress[traffic_kernel.ARRIVED]) - dropped
        found = self._routers.snapshot(cycle, flits, credits)
        for node in range(self._routers.fabric.n_cores):
            found[f"node {node}"] = {
                "flits": tuple(self._queued(node)),
                "credits": int(self.run.nodes[traffic_kernel.CREDITS, node]),
                "credits on the wire": self._routers.credits_to(node, credits, cycle), "cycles left": 0,
                "flits on the wire": self._routers.at_endpoint(node, node, flits, cycle),
            }  # fmt: skip
        arrived = tuple(self.run.arrive.tolist())
        return found | {"packets": {"open": n_open, "dropped": dropped, "arrived in": arrived}}

    def _queued(self, node: int) -> list[probe.Flit]:
        kernel, nodes = traffic_kernel, self.run.nodes
        span = slice(int(nodes[kernel.FIRST, node]), int(nodes[kernel.DUE, node]))
        n_flits = self._routers.state.constant("FLITS")
        packets = self.run.order[span].tolist()
        flits = [self._flit(packet << 4 | index) for packet in packets for index in range(n_flits)]
        return flits[int(nodes[kernel.NEXT_FLIT, node]) :]
