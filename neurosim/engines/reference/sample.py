"""One sample on one freshly reset system: build, run, and collect what was counted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Verdict
from neurosim.engines.base import RunOptions
from neurosim.engines.reference.clock import Clock
from neurosim.engines.reference.core import CoreModel, HostModel
from neurosim.engines.reference.image import CoreImage
from neurosim.engines.reference.network import Mesh
from neurosim.engines.reference.packets import Ledger
from neurosim.engines.reference.steps import StepController
from neurosim.engines.reference.tracing import Tracer
from neurosim.engines.samples import Watch
from neurosim.engines.waits import WaitFinding, WaitGraph, next_check
from neurosim.fabric.topology import Fabric

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """What is prepared once per program: wiring and core images, by core number."""

    program: Program
    fabric: Fabric
    images: dict[int, CoreImage]

    @staticmethod
    def of(program: Program, fabric: Fabric) -> Plan:
        """Prepare ``program`` for ``fabric``."""
        images = {core.core: CoreImage(core, fabric.chip) for core in program.cores}
        return Plan(program, fabric, dict(sorted(images.items())))


class SampleRun:
    """The whole system at work on one sample ``x`` (steps, n_inputs) of spike counts."""

    def __init__(
        self, plan: Plan, x: IntArray, options: RunOptions, tracer: Tracer | None = None
    ) -> None:
        fabric, chip = plan.fabric, plan.fabric.chip
        self.plan = plan
        self.options = options
        self.clock = Clock(options.shuffle_seed)
        self.tracer = tracer
        self.ledger = Ledger(options.log_packets, tracer)
        self.mesh = Mesh(fabric, self.clock, self.ledger)
        self.sample_steps = int(x.shape[0])
        self.cores = {
            number: CoreModel(image, fabric, self.clock, self.ledger, self.sample_steps)
            for number, image in plan.images.items()
        }
        for number, core in self.cores.items():
            self.mesh.attach(number, core, chip.core.rx_flits, chip.core.tx_flits)
        self.host = HostModel(fabric, self.clock, self.ledger)
        self.mesh.attach(HOST, self.host, chip.router.buffer_flits, None)
        self._x = x
        self.steps = StepController(
            chip, self.clock, self.ledger, self.cores, self.host, self._host_targets,
            self.sample_steps + plan.program.depth,
        )  # fmt: skip
        self._waits = WaitGraph(fabric, self.mesh.routers, self.cores, self.mesh.holding)

    def _host_targets(self, step: int) -> list[tuple[int, int]]:
        """(core or tree, axon) of every packet that the input spikes of ``step`` send, in order."""
        if step >= self.sample_steps:
            return []
        table, targets = self.plan.program.host, []
        for neuron in np.flatnonzero(self._x[step]).tolist():
            span = slice(int(table.pointer[neuron]), int(table.pointer[neuron + 1]))
            entries = list(zip(table.core[span].tolist(), table.axon[span].tolist(), strict=True))
            targets += entries * int(self._x[step, neuron])
        return targets

    def run(self, sample: int, watch: Watch | None = None) -> Verdict:
        """Run to the end of the last step, a deadlock, or the limit; ``watch`` is told how far it is."""
        env = self.clock.env
        mark = self.options.check_every_cycles
        while self.steps.done.is_alive:
            upcoming = env.peek()
            if upcoming == math.inf:
                return self._stopped(sample)
            if upcoming > mark:
                finding = self._waits.find()
                if finding is not None:
                    return self._deadlocked(sample, finding, mark)
                mark = next_check(self.options.check_every_cycles, upcoming)
                if watch is not None:
                    watch.tell(len(self.steps.start_cycles) - 1, self._hops)
            if self._step_age(upcoming) > self.options.max_step_cycles:
                return self._limited(sample)
            if self.tracer is not None and self.tracer.is_full:
                self.tracer.drain()
            env.step()
        if self.ledger.dropped:
            text = f"{self.ledger.dropped} packets were dropped by routers"
            return Verdict("lost_packets", text, sample, self.clock.now)
        return Verdict("ok", "every step ended", sample, self.clock.now)

    def _hops(self) -> int:
        """Router traversals so far."""
        return int(sum(int(sum(router.port_flits)) for router in self.mesh.routers))

    def finish_trace(self) -> None:
        """Hand over every event that is still here, those that were not over included."""
        if self.tracer is not None:
            for core in self.cores.values():
                core.trace_unfinished()
            self.tracer.finish()

    def _step_age(self, now: float) -> float:
        """Cycles that the current step has been at work."""
        if not self.steps.start_cycles or self.steps.is_quiet:
            return 0
        return now - self.steps.start_cycles[-1]

    def _stopped(self, sample: int) -> Verdict:
        """No component has anything to do, yet the step is not over."""
        finding = self._waits.find()
        if finding is not None:
            return self._deadlocked(sample, finding, self.clock.last_arrival)
        raise AssertionError(
            f"the simulator stopped in cycle {self.clock.now} with {self.ledger.open} open tasks "
            "and no wait-for cycle"
        )

    def _deadlocked(self, sample: int, finding: WaitFinding, cycle: int) -> Verdict:
        step = len(self.steps.start_cycles) - 1
        return finding.verdict(f"deadlock in step {step}: ", sample, cycle)

    def _limited(self, sample: int) -> Verdict:
        text = (
            f"step {len(self.steps.start_cycles) - 1} took more than "
            f"{self.options.max_step_cycles} cycles"
        )
        at = self.steps.start_cycles[-1] + self.options.max_step_cycles
        return Verdict("limit", text, sample, at)
