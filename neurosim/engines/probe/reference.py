"""Reads the reference engine's components as the canonical state of :mod:`neurosim.engines.probe`.

Reads the components' fields, also their private ones (nobody else has any business there), and the messages
that the clock has not delivered yet; changes nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from neurosim.artefacts.mapping import HOST
from neurosim.engines import probe
from neurosim.engines.base import RunOptions, Traffic
from neurosim.engines.reference.core import CoreModel, HostModel
from neurosim.engines.reference.network import Mesh
from neurosim.engines.reference.packets import Flit
from neurosim.engines.reference.router import Router
from neurosim.engines.reference.sample import Plan, SampleRun
from neurosim.engines.reference.traffic import TrafficRun
from neurosim.engines.reference.transmit import Transmitter
from neurosim.engines.waits import end_name
from neurosim.fabric.topology import Fabric
from neurosim.rules.events import EVENT_NAMES

Messages = dict[tuple[str, int, int], list[tuple[int, Any]]]


def identity(flit: Flit) -> probe.Flit:
    """A flit in canonical form."""
    p, index = flit
    return (p.source, p.target, p.step, p.axon, p.inject, p.number, index)


class _Run:
    """Stops after every cycle; knows routers and wires.  ``ends`` are the endpoints by core number."""

    def __init__(self, fabric: Fabric, mesh: Mesh, clock: Any, ends: dict[int, Any]) -> None:
        self._fabric = fabric
        self._mesh = mesh
        self._clock = clock
        self._ends = ends
        self._names = probe.Names(fabric)
        self._cycle = 0

    @property
    def has_ended(self) -> bool:
        """See :class:`neurosim.engines.probe.Probe`."""
        raise NotImplementedError

    def upcoming(self) -> int | None:
        """See :class:`neurosim.engines.probe.Probe`."""
        at = self._clock.env.peek()
        return None if self.has_ended or at == math.inf else int(at)

    def advance(self, cycle: int) -> None:
        """See :class:`neurosim.engines.probe.Probe`."""
        env = self._clock.env
        while not self.has_ended and env.peek() <= cycle:
            env.step()
        self._cycle = cycle

    def _under_way(self) -> Messages:
        """Messages by (kind, router number or core number, channel or step), as (arrival, what)."""
        owners = {id(end.transmit): core for core, end in self._ends.items()}
        cores = {id(end): core for core, end in self._ends.items()}
        found: Messages = defaultdict(list)
        for at, mail in self._clock._mail.items():
            for deliver, message in mail:
                kind, place, what = self._decode(deliver, message, owners, cores)
                found[(kind, *place)].append((at, what))
        return found

    def _decode(
        self, deliver: Callable[..., None], message: tuple[Any, ...], owners: dict[int, int],
        cores: dict[int, int],
    ) -> tuple[str, tuple[int, int], Any]:  # fmt: skip
        port = deliver.args[0] if isinstance(deliver, partial) else 0
        method: Any = deliver.func if isinstance(deliver, partial) else deliver
        receiver, name = method.__self__, method.__name__
        if isinstance(receiver, Router):
            channel = port * self._fabric.n_vcs + message[0]
            what = identity(message[1]) if name == "receive" else None
            return ("flit" if name == "receive" else "credit"), (receiver.number, channel), what
        if isinstance(receiver, Transmitter):
            return "end credit", (owners[id(receiver)], 0), None
        if name == "receive":
            return "end flit", (cores[id(receiver)], message[0]), identity(message[1])
        return "token", (0, 0), message[0]

    def _routers(self, coming: Messages) -> probe.Snapshot:
        found: probe.Snapshot = {}
        for router in self._mesh.routers:
            self._router(router, coming, found)
        return found

    def _router(self, router: Router, coming: Messages, found: probe.Snapshot) -> None:
        n, names, cycle = router.number, self._names, self._cycle
        for channel, fifo in enumerate(router.fifo):
            found[names.input[n][channel]] = probe.input_channel(
                cycle, [identity(flit) for flit in fifo], names.channels_of(router.wanted(channel)),
                router.head_since[channel], channel in router.dropping,
                probe.wires(coming.get(("flit", n, channel), ()), cycle),
            )  # fmt: skip
            found[names.output[n][channel]] = {
                "credits": router.credits[channel],
                "credits on the wire": _delays(coming.get(("credit", n, channel), ()), cycle),
                "owner": names.channel(router.owner[channel]),
            }
        for port in range(router.n_ports):
            found[names.in_port[n][port]] = {
                "vc pointer": router.vc_pointer[port], "most flits held": router.queue_peak[port],
            }  # fmt: skip
            found[names.out_port[n][port]] = {
                "cycles left": probe.left(router.free_at[port], cycle),
                "pointer": router.port_pointer[port], "flits sent": router.port_flits[port],
                "cycles waited for": router.blocked_cycles[port],
            }  # fmt: skip
        found[names.router[n]] = {"pointer": router.router_pointer}

    def _transmitter(self, core: int, coming: Messages) -> probe.Fields:
        transmit = self._ends[core].transmit
        return {
            "flits": tuple(identity(flit) for flit in transmit.queue),
            "credits": transmit.credits,
            "credits on the wire": _delays(coming.get(("end credit", core, 0), ()), self._cycle),
            "cycles left": probe.left(transmit._free_at, self._cycle),
        }


def _delays(messages: Iterable[tuple[int, Any]], cycle: int) -> tuple[int, ...]:
    return tuple(sorted(at - cycle for at, _ in messages))


class ProgramProbe(_Run):
    """One sample ``x`` (steps, inputs) of a program, see :class:`neurosim.engines.probe.Probe`."""

    def __init__(self, plan: Plan, x: Any, shuffle_seed: int | None = None) -> None:
        self.run = SampleRun(plan, x, RunOptions(shuffle_seed=shuffle_seed))
        run = self.run
        ends: dict[int, CoreModel | HostModel] = {**run.cores, HOST: run.host}
        super().__init__(plan.fabric, run.mesh, run.clock, ends)

    @property
    def has_ended(self) -> bool:
        """See :class:`neurosim.engines.probe.Probe`."""
        return not self.run.steps.done.is_alive

    def snapshot(self) -> probe.Snapshot:
        """See :class:`neurosim.engines.probe.Probe`."""
        coming = self._under_way()
        found = self._routers(coming)
        for number, core in self.run.cores.items():
            self._core(number, core, coming, found)
        found["host"] = self._transmitter(HOST, coming) | {
            "flits sent": self.run.host.transmit.flits_sent,
            "flits received": self.run.host.flits_received,
            "flits on the wire": self._arriving(HOST, coming),
        }
        return found | self._steps(coming)

    def _steps(self, coming: Messages) -> probe.Snapshot:
        steps, ledger = self.run.steps, self.run.ledger
        tokens = coming.get(("token", 0, 0), [])
        return {
            "steps": {
                "starts": tuple(steps.start_cycles), "ends": tuple(steps.end_cycles),
                "token on the wire": tuple(sorted({(at - self._cycle, step) for at, step in tokens})),
                "barriers": steps.barriers, "missed": tuple(steps.missed),
            },
            "packets": {
                "open work": ledger.open, "sent": ledger.sent, "arrived": ledger.arrived,
                "dropped": ledger.dropped, "journeys": tuple(sorted(ledger.latency.items())),
            },
        }  # fmt: skip

    def _arriving(self, core: int, coming: Messages) -> tuple[Any, ...]:
        fabric = self._fabric
        return tuple(
            probe.wires(coming.get(("end flit", core, vc), ()), self._cycle) for vc in range(fabric.n_vcs)
        )

    def _core(self, number: int, core: CoreModel, coming: Messages, found: probe.Snapshot) -> None:
        name, cycle, packet = end_name(number), self._cycle, core._packet
        for vc, arriving in enumerate(self._arriving(number, coming)):
            flits = tuple(identity(flit) for flit in core._rx[vc])
            found[f"{name} receive vc {vc}"] = {"flits": flits, "flits on the wire": arriving}
        until = core._pipeline_until if packet is not None else 0
        found[f"{name} pipeline"] = {
            "packet": identity((packet, 0)) if packet is not None else None,
            "cycles left": probe.left(until, cycle),
            "memory cycles left": probe.left(core._memory.free_at(), cycle),
            "pointer": core._rx_pointer,
        }
        found[f"{name} loop"] = probe.loop(
            cycle, core.core_step, tuple(core._starts), core._stalled_since, self._place(core)
        )
        found[f"{name} transmit"] = self._transmitter(number, coming)
        found[f"{name} neurons"] = {
            "membrane": tuple(core.v.tolist()), "current": tuple(core.i.tolist()),
            **{f"accumulator {slot}": tuple(bank.tolist()) for slot, bank in enumerate(core.banks)},
        }  # fmt: skip
        busy = core.loop_busy_cycles
        if core._outcome is not None:
            busy -= probe.left(core._loop_until, cycle)
        found[f"{name} counters"] = dict(zip(EVENT_NAMES, core.events, strict=True)) | {
            "pipeline busy cycles": core.pipeline_busy_cycles - probe.left(until, cycle),
            "loop busy cycles": busy, "loop stall cycles": core.loop_stall_cycles,
            "late packets": core.late_packets, "membrane overflows": core.membrane_overflows,
            "accumulator overflows": core.accumulator_overflows,
        }  # fmt: skip

    def _place(self, core: CoreModel) -> probe.Fields | None:
        outcome, begun = core._outcome, core._position
        if outcome is None:
            return None
        columns = (outcome.neuron.tolist(), outcome.cycles.tolist(), outcome.spikes.tolist())
        visits = list(zip(*columns, strict=True))
        entries = len(core.image.targets(visits[begun - 1][0])) if begun else 0
        return probe.loop_place(
            self._cycle, core._loop_until, visits, begun, core.image.timing.spike_cycles,
            tuple(core._sending), entries,
        )  # fmt: skip


class TrafficProbe(_Run):
    """Raw traffic, see :class:`neurosim.engines.probe.Probe`."""

    def __init__(self, fabric: Fabric, traffic: Traffic, shuffle_seed: int | None = None) -> None:
        self.run = TrafficRun(fabric, traffic, shuffle_seed)
        super().__init__(fabric, self.run.mesh, self.run.clock, dict(enumerate(self.run.nodes)))

    @property
    def has_ended(self) -> bool:
        """See :class:`neurosim.engines.probe.Probe`."""
        return self.run.ledger.open == 0

    def snapshot(self) -> probe.Snapshot:
        """See :class:`neurosim.engines.probe.Probe`."""
        coming = self._under_way()
        ledger = self.run.ledger
        arrived = tuple(packet.arrive for packet in self.run.packets)
        found = self._routers(coming)
        for core in self._ends:
            fields = self._transmitter(core, coming)
            arriving = [coming.get(("end flit", core, vc), ()) for vc in range(self._fabric.n_vcs)]
            fields["flits on the wire"] = tuple(probe.wires(part, self._cycle) for part in arriving)
            found[f"node {core}"] = fields
        counts = {"open": ledger.open, "dropped": ledger.dropped, "arrived in": arrived}
        return found | {"packets": counts}
