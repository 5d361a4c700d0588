"""A core: receive FIFOs, synapse pipeline, neuron loop, transmit FIFO, and the memory they share.

Within STEP a core acts in this order: the synapse pipeline finishes a packet, starts the next one, the
neuron loop goes on, the transmit FIFO sends.  With one memory port the pipeline is served first.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from neurosim.artefacts.mapping import HOST
from neurosim.engines.reference.clock import Clock
from neurosim.engines.reference.image import CoreImage, StepOutcome
from neurosim.engines.reference.packets import Flit, Ledger, Packet, PacketMaker
from neurosim.engines.reference.router import Upstream
from neurosim.engines.reference.transmit import Transmitter
from neurosim.engines.trace import LOOP, NULL, STALL
from neurosim.fabric.topology import Fabric
from neurosim.rules import sync
from neurosim.rules.arbiter import advance, pick
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

_DECODED = EVENT_INDEX["packet_decoded"]
_WORD = EVENT_INDEX["synapse_word_read"]
_OPERATION = EVENT_INDEX["synaptic_operation"]
_ACTIVE = EVENT_INDEX["neuron_update_active"]
_IDLE = EVENT_INDEX["neuron_update_idle"]
_SPIKE = EVENT_INDEX["spike_generated"]
_SENT = EVENT_INDEX["packet_sent"]


class Memory:
    """The synapse and state memory: ``ports`` 1 or 2; with 2 nobody ever waits."""

    def __init__(self, ports: int) -> None:
        self._shared = ports == 1
        self._free_at = 0

    def is_free(self, now: int) -> bool:
        """Whether an access may start now."""
        return not self._shared or now >= self._free_at

    def take(self, until: int) -> None:
        """Hold the port up to (not including) cycle ``until``."""
        if self._shared:
            self._free_at = until

    def free_at(self) -> int:
        """The cycle in which the port is free again."""
        return self._free_at


class CoreModel:
    """One core at work on one sample."""

    def __init__(
        self, image: CoreImage, fabric: Fabric, clock: Clock, ledger: Ledger, sample_steps: int
    ) -> None:
        n = image.program.n_neurons
        self.image = image
        self.woken_for = -1
        self.stepped_in = -1
        self.v = image.v_initial.copy()
        self.i = np.zeros(n, np.int64)
        self.banks = np.zeros((image.n_slots, n), np.int64)
        self.events = [0] * len(EVENT_NAMES)
        self.pipeline_busy_cycles = 0
        self.loop_busy_cycles = 0
        self.loop_stall_cycles = 0
        self.membrane_overflows = 0
        self.accumulator_overflows = 0
        self.late_packets = 0
        self.spikes: list[tuple[int, int, int]] = []  # (hardware step, neuron, count)
        self.transmit: Transmitter  # set when the system is wired
        self.upstream: Upstream
        self._clock = clock
        self._ledger = ledger
        self._sample_steps = sample_steps
        self._packets = PacketMaker(image.core, fabric)
        self._flits = fabric.chip.packet.flits
        self._memory = Memory(image.timing.memory_ports)
        self._rx: list[deque[Flit]] = [deque() for _ in range(fabric.n_vcs)]
        self._rx_whole = [0] * fabric.n_vcs
        self._rx_pointer = 0
        self._packet: Packet | None = None
        self._pipeline_until = 0
        self.core_step = -1
        self._starts: deque[int] = deque()
        self._outcome: StepOutcome | None = None
        self._position = 0  # next neuron of the outcome
        self._loop_until = 0
        self._loop_since = 0
        self._sending: deque[tuple[int, int]] = deque()
        self._stalled_since = -1

    # ARRIVE

    def start(self, step: int) -> None:
        """The step token: the neuron loop of ``step`` begins as soon as the one before is done."""
        self._starts.append(step)
        self._clock.wake(self, self._clock.now)

    def receive(self, vc: int, flit: Flit) -> None:
        """A flit reaches the receive FIFO of ``vc``."""
        self._rx[vc].append(flit)
        packet, index = flit
        if index == packet.flits - 1:
            self._rx_whole[vc] += 1
            self._ledger.arrive(packet, self._clock.now)
            self._clock.wake(self, self._clock.now)

    # what others may ask (the step controller, the wait-for graph)

    @property
    def is_looping(self) -> bool:
        """Whether the neuron loop is at work or has a start waiting."""
        return self._outcome is not None or bool(self._starts)

    @property
    def is_busy(self) -> bool:
        """Whether the core still has work of the current step."""
        return (
            self.is_looping
            or self._packet is not None
            or any(self._rx_whole)
            or bool(self.transmit.queue)
        )

    @property
    def is_stalled(self) -> bool:
        """Whether the neuron loop waits for room in the transmit FIFO."""
        return self._stalled_since >= 0

    @property
    def input_blocked(self) -> bool:
        """Whether a whole packet waits only because the neuron loop is not done."""
        return any(self._rx_whole) and self._outcome is not None and not self._may_receive()

    def transmit_state(self) -> tuple[int, int]:
        """(flits, credits) of the transmit FIFO."""
        return len(self.transmit.queue), self.transmit.credits

    def received(self, vc: int) -> int:
        """Flits in the receive FIFO of ``vc``."""
        return len(self._rx[vc])

    # STEP

    def step(self, now: int) -> None:
        """Pipeline, loop, transmit; then decide when to look again."""
        self._finish_packet(now)
        looks = [self._start_packet(now), self._advance_loop(now), self.transmit.step(now)]
        if self._packet is not None:
            looks.append(self._pipeline_until)
        later = [look for look in looks if look > now]
        if later:
            self._clock.wake(self, min(later))

    def _may_receive(self) -> bool:
        return self.image.timing.receive_during_update or self._outcome is None

    def _finish_packet(self, now: int) -> None:
        if self._packet is None or now < self._pipeline_until:
            return
        packet, self._packet = self._packet, None
        targets, weights, delay = self.image.synapses(packet.axon)
        if sync.is_on_time(packet.step + delay, self.core_step, self.image.timing.max_delay_steps):
            slot = sync.accumulator_slot(packet.step, delay, self.image.n_slots)
            self.accumulator_overflows += self.image.accumulate(self.banks[slot], targets, weights)
        else:
            self.late_packets += 1
        if self._ledger.tracer is not None:
            start = self._pipeline_until - self.image.axon_cost[packet.axon][2]
            self._ledger.tracer.processed(self.image.core, packet, start, now)
        self._ledger.end()

    def _start_packet(self, now: int) -> int:
        mask = sum(1 << vc for vc, whole in enumerate(self._rx_whole) if whole)
        if self._packet is not None or not mask or not self._may_receive():
            return 0
        if not self._memory.is_free(now):
            return self._memory.free_at()
        vc = pick(0, mask, self._rx_pointer)
        self._rx_pointer = advance(vc, len(self._rx))
        self._rx_whole[vc] -= 1
        for _ in range(self._flits):
            self._packet, _index = self._rx[vc].popleft()
            self._clock.send(now + self.upstream.latency, self.upstream.return_credit, vc)
        assert self._packet is not None
        words, operations, cycles = self.image.axon_cost[self._packet.axon]
        self.events[_DECODED] += 1
        self.events[_WORD] += words
        self.events[_OPERATION] += operations
        self.pipeline_busy_cycles += cycles
        self._pipeline_until = now + cycles
        self._memory.take(self._pipeline_until)
        return self._pipeline_until

    def _advance_loop(self, now: int) -> int:
        """Let the neuron loop do what it can in this cycle; return when it can go on."""
        if self._outcome is None:
            if not self._starts:
                return 0
            self._begin_step(self._starts.popleft(), now)
        while now >= self._loop_until:
            assert self._outcome is not None
            if self._sending:
                if not self._send_one(now):
                    return 0 if not self.transmit.credits else now + 1
            elif self._position < len(self._outcome.neuron):
                wait = self._update_next(now)
                if wait:
                    return wait
            else:
                return self._end_step(now)
        return self._loop_until

    def _begin_step(self, step: int, now: int) -> None:
        self.core_step = step
        bank = self.banks[sync.accumulator_slot(step, 0, self.image.n_slots)]
        self._outcome = self.image.update(step, self._sample_steps, self.v, self.i, bank)
        self.membrane_overflows += self._outcome.overflows
        n_active = int(self._outcome.active.sum())
        self.events[_ACTIVE] += n_active
        self.events[_IDLE] += len(self._outcome.active) - n_active
        self.events[_SPIKE] += int(self._outcome.spikes.sum())
        for index in np.flatnonzero(self._outcome.spikes):
            self.spikes.append(
                (step, int(self._outcome.neuron[index]), int(self._outcome.spikes[index]))
            )
        self._position = 0
        self._loop_since = self._loop_until = now

    def _update_next(self, now: int) -> int:
        """Start the next update (or run of quiet updates); nonzero: wait for the memory till then."""
        assert self._outcome is not None
        if not self._memory.is_free(now):
            return self._memory.free_at()
        first = self._position
        if self.image.timing.memory_ports == 2:  # nobody can come between: take a run at once
            ahead = np.flatnonzero(self._outcome.spikes[first:])
            last = first + int(ahead[0]) if len(ahead) else len(self._outcome.neuron) - 1
        else:
            last = first
        cycles = int(self._outcome.cycles[first : last + 1].sum())
        self._memory.take(now + cycles)
        count = int(self._outcome.spikes[last])
        if count:
            cycles += self.image.timing.spike_cycles
            entries = self.image.targets(int(self._outcome.neuron[last]))
            self._sending.extend(entries * count)
        self._position = last + 1
        self._loop_until = now + cycles
        self.loop_busy_cycles += cycles
        return 0

    def _send_one(self, now: int) -> bool:
        """Send the next target entry's packet; False if the transmit FIFO is full."""
        if not self.transmit.has_room(self._flits):
            if self._stalled_since < 0:
                self._stalled_since = now
            return False
        if self._stalled_since >= 0:
            self.loop_stall_cycles += now - self._stalled_since
            self._trace(STALL, self._stalled_since, now)
            self._stalled_since = -1
        target, axon = self._sending.popleft()
        packet = self._packets.make(target, axon, self.core_step)
        self._ledger.inject(packet, now, self.events[_SENT])
        self.transmit.push(packet)
        self.events[_SENT] += 1
        self._loop_until = now + self.image.timing.target_cycles
        self.loop_busy_cycles += self.image.timing.target_cycles
        return True

    def _trace(self, kind: int, start: int, end: int) -> None:
        if self._ledger.tracer is not None:
            self._ledger.tracer.core(self.image.core, kind, self.core_step, start, end)

    def trace_unfinished(self) -> None:
        """The sample stopped: log what has begun and not ended."""
        if self._outcome is not None:
            self._trace(LOOP, self._loop_since, NULL)
        if self._stalled_since >= 0:
            self._trace(STALL, self._stalled_since, NULL)
        if self._packet is not None and self._ledger.tracer is not None:
            start = self._pipeline_until - self.image.axon_cost[self._packet.axon][2]
            self._ledger.tracer.processed(self.image.core, self._packet, start, NULL)

    def _end_step(self, now: int) -> int:
        self._outcome = None
        self._trace(LOOP, self._loop_since, now)
        self._ledger.end()
        return now + 1 if self._starts or any(self._rx_whole) else 0


class HostModel:
    """The host: sends the input spikes of a step, takes output packets at once."""

    def __init__(self, fabric: Fabric, clock: Clock, ledger: Ledger) -> None:
        self.woken_for = -1
        self.stepped_in = -1
        self.transmit: Transmitter
        self.upstream: Upstream
        self.received: list[tuple[int, int]] = []  # (hardware step, axon)
        self.flits_received = 0
        self._n_sent = 0
        self._packets = PacketMaker(HOST, fabric)
        self._clock = clock
        self._ledger = ledger

    def start(self, step: int, targets: list[tuple[int, int]]) -> None:
        """ARRIVE: the step begins; queue one packet per (target, axon) of ``targets``."""
        for target, axon in targets:
            packet = self._packets.make(target, axon, step)
            # its journey begins when its head leaves the host
            self._ledger.inject(packet, -1, self._n_sent)
            self._n_sent += 1
            self.transmit.push(packet)
        if targets:
            self._clock.wake(self, self._clock.now)

    def receive(self, vc: int, flit: Flit) -> None:
        """ARRIVE: an output flit; the host always has room."""
        packet, index = flit
        now = self._clock.now
        self.flits_received += 1
        self._clock.send(now + self.upstream.latency, self.upstream.return_credit, vc)
        if index == packet.flits - 1:
            self.received.append((packet.step, packet.axon))
            self._ledger.arrive(packet, now)
            self._ledger.end()

    @property
    def is_busy(self) -> bool:
        """Whether input spikes still wait to be sent."""
        return bool(self.transmit.queue)

    def step(self, now: int) -> None:
        """Send."""
        look = self.transmit.step(now)
        if look:
            self._clock.wake(self, look)
