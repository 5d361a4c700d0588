"""The cocotb bench of a stranger's design: runs inside the simulator, judges nothing, writes what it saw.

Reads the job that :mod:`rtl_models.dut.run` wrote; writes the event log.  **One coroutine drives and samples
all ports**: inputs change at the falling edge, outputs are read when everything has settled, before the
rising edge that ends the cycle.  So every transfer has exactly one cycle, whoever of the two sides is faster.

Log: ``<cycle> <step> <port> <kind> <value> <text>`` per event (value in hex, ``x`` if undefined, ``-`` if
there is none), first line ``time0 <ps> <ps per cycle>``, last line ``end <cycle> <why> <text>``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from rtl_models.dut import JOB
from rtl_models.dut.configure import bus_cycles, spi_cycles
from rtl_models.dut.pins import Pin
from rtl_models.dut.protocols import CHANNELS, EVENT, MARK, Recorder

TAIL_CYCLES = 32  # after the last step: words that come too late are seen


class StopError(Exception):
    """The run ends here; ``why`` is a word of the log's last line."""

    def __init__(self, why: str, text: str = "-") -> None:
        super().__init__(text)
        self.why, self.text = why, text


class Pins:
    """Reads and writes parts of ports; several pins may share one port."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._handles: dict[str, Any] = {}
        self._wanted: dict[str, int] = {}
        self._standing: dict[str, int] = {}

    def handle(self, name: str) -> Any:
        """The design's object of this hierarchical name."""
        if name not in self._handles:
            found = self._dut
            for part in name.split("."):
                found = getattr(found, part, None)
                if found is None:
                    raise StopError("problem", f"no signal or memory '{name}' in the elaborated design")
            self._handles[name] = found
        return self._handles[name]

    def write(self, pin: Pin, value: int) -> None:
        """Put ``value`` on the pin; it stands there from :meth:`commit` on."""
        bits = (~value if pin.inverted else value) & pin.mask
        before = self._wanted.get(pin.name, 0)
        self._wanted[pin.name] = before & ~(pin.mask << pin.lsb) | bits << pin.lsb

    def commit(self) -> None:
        """Drive what has changed."""
        for name, value in self._wanted.items():
            if self._standing.get(name) != value:
                self._standing[name] = value
                self.handle(name).value = value

    def read(self, pin: Pin) -> int | None:
        """The pin's value, None if a bit of it is undefined."""
        value = self.handle(pin.name).value
        try:
            bits = int(value) >> pin.lsb & pin.mask
        except ValueError:
            text = str(value)
            part = text[len(text) - pin.lsb - pin.width : len(text) - pin.lsb]
            if part.strip("01"):
                return None
            bits = int(part, 2)
        return bits ^ pin.mask if pin.inverted else bits

    def word(self, pins: list[Pin]) -> int | None:
        """Several pins side by side, the first in the lowest bits."""
        word, lsb = 0, 0
        for pin in pins:
            value = self.read(pin)
            if value is None:
                return None
            word |= value << lsb
            lsb += pin.width
        return word

    def put(self, pins: list[Pin], word: int) -> None:
        """Write ``word`` to several pins side by side."""
        for pin in pins:
            self.write(pin, word & pin.mask)
            word >>= pin.width


class Harness(Recorder):
    """All ports of the design, cycle by cycle."""

    def __init__(self, dut: Any, job: dict[str, Any], log: TextIO) -> None:
        self.job, self.pins, self._log, self._dut = job, Pins(dut), log, dut
        self.cycle, self.step, self.last_event = 0, -1, 0
        self.done_seen = False
        self._is_broken = False  # somebody broke a protocol: what comes after means nothing
        self._observe: Pin | None = None  # a signal between steps, or of the configuration
        self._observed: int | None = None
        stall, seed = job["stall"], str(job["seed"])
        self.channels, self.signals = {}, {}
        for port in job["ports"]:
            kind = CHANNELS[port["protocol"], port["direction"]]
            slots = port["credits"] or 0
            self.channels[port["name"]] = kind(port["name"], self, slots, stall, seed)
            self.signals[port["name"]] = {k: pins_of(v) for k, v in port["signals"].items()}
        self._readers = {name: self._reader(name) for name in self.channels}
        done = job["done"] or {}
        self._done_word = (done["port"], done["mask"], done["word"]) if done.get("port") else None

    def happened(self, port: str, kind: str, value: int | None = None, text: str = "") -> None:
        """One line of the log; a word by which the design ends its step is not an event."""
        if kind == "got" and value is not None and self._done_word is not None:
            done_port, mask, word = self._done_word
            if port == done_port and value & mask == word:
                kind, self.done_seen = "done", True
        self._is_broken = self._is_broken or kind == "violation"
        if kind not in ("wait", "ready"):
            self.last_event = self.cycle
        shown = "x" if value is None and kind == "got" else "-" if value is None else f"{value:x}"
        self._log.write(f"{self.cycle} {self.step} {port} {kind} {shown} {text}\n")

    async def start(self) -> None:
        """Clock and reset; returns in the middle of cycle 0."""
        job = self.job
        for pin, value in job["ties"]:
            self.pins.write(Pin(*pin), value)
        for pin in job["idle"]:
            self.pins.write(Pin(*pin), 0)
        self._drive_ports(-1, quiet=True)
        reset = job["reset"]
        if reset:
            self.pins.write(Pin(*reset["pin"]), 1)
        self.pins.commit()
        clock = self.pins.handle(job["clock"])
        Clock(clock, job["period_ps"], unit="ps").start()
        await FallingEdge(clock)
        self._load()
        if reset:
            for _ in range(reset["cycles"] - 1):
                await FallingEdge(clock)
            self.pins.write(Pin(*reset["pin"]), 0)
        self._clock = clock

    def _load(self) -> None:
        for image in self.job["memories"]:
            memory = self.pins.handle(image["name"])
            first = min(memory.range)
            for index, word in enumerate(image["words"]):
                memory[first + index].value = word

    def _drive_ports(self, cycle: int, quiet: bool = False) -> None:
        for name, channel in self.channels.items():
            values = dict.fromkeys(channel.drives, 0) if quiet else channel.drive(cycle)
            for signal, value in values.items():
                self.pins.put(self.signals[name].get(signal, []), value)

    async def run(self, extra: dict[str, Any] | None = None) -> None:
        """One cycle; ``extra`` are further values to drive, as (pin, value) pairs."""
        if self.cycle >= self.job["stop_cycle"]:
            raise StopError("stopped")
        if self.cycle >= self.job["max_cycles"]:
            raise StopError("limit", self._waits_for() or "-")
        self._drive_ports(self.cycle)
        for pin, value in (extra or {}).values():
            self.pins.write(pin, value)
        self.pins.commit()
        await ReadOnly()
        for name, channel in self.channels.items():
            channel.sample(self.cycle, self._readers[name])
        if self._observe is not None:
            self._observed = self.pins.read(self._observe)
        await FallingEdge(self._clock)
        self.cycle += 1
        if self._is_broken:
            raise StopError("violation")

    def _reader(self, name: str) -> Any:
        signals = self.signals[name]
        # a signal that the adapter does not name is an optional one: always ready
        return lambda signal: self.pins.word(signals[signal]) if signal in signals else 1

    def _waits_for(self) -> str:
        waits = [text for channel in self.channels.values() if (text := channel.waiting())]
        return "; ".join(waits)

    def idle_check(self, what: str = "") -> None:
        """Give up if nothing happens while we wait for ``what``."""
        if self.cycle - self.last_event > self.job["idle_cycles"]:
            raise StopError("stuck", "; ".join(part for part in (what, self._waits_for()) if part))

    async def configure(self) -> None:
        """Write the transactions, stage by stage."""
        makers = {"spi": spi_cycles, "bus": bus_cycles}
        for stage in self.job["configuration"]:
            cycles: Iterator[dict[str, tuple[Pin, int]]] = makers[stage["kind"]](stage)
            ready = stage.get("ready")
            self._observe = Pin(*ready) if ready else None
            for values in cycles:
                await self.run(values)
                while ready and values["write"][1] and not self._observed:
                    self.idle_check("the bus is not ready for a write")
                    await self.run(values)
            self._observe, self.last_event = None, self.cycle
            for _ in range(stage["settle_cycles"]):
                await self.run()
        self.last_event = self.cycle

    async def mark(self, mark: dict[str, Any] | None) -> None:
        """A pulse or a word between steps."""
        if mark is None:
            return
        if mark.get("pulse"):
            pin = Pin(*mark["pulse"])
            self.last_event = self.cycle
            await self.run({"mark": (pin, 1)})
            self.pins.write(pin, 0)
            return
        self.channels[mark["port"]].queue.append((self.cycle, mark["word"], MARK))
        await self.flush()

    async def flush(self) -> None:
        """Until all input words are taken."""
        while any(channel.busy for channel in self.senders()):
            self.idle_check()
            await self.run()

    def senders(self) -> list[Any]:
        """Ports into the design."""
        return [self.channels[p["name"]] for p in self.job["ports"] if p["direction"] == "in"]

    async def quiet(self, cycles: int) -> None:
        """Until nothing happened for so many cycles."""
        while self.cycle - self.last_event < cycles:
            await self.run()

    async def before_tick(self) -> None:
        """Until the design is ready for the tick."""
        before = self.job["before_tick"]
        for _ in range(before["gap_cycles"]):
            await self.run()
        self._observe, self.last_event = Pin(*before["ready"]) if before["ready"] else None, self.cycle
        while self._observe is not None:
            await self.run()
            if self._observed:
                self._observe = None
            else:
                self.idle_check("the design is not ready for the end of the step")

    async def wait_done(self) -> None:
        """Until the design says that the step is over; its last output is fetched."""
        done = self.job["done"]
        if done.get("quiet"):
            await self.quiet(done["quiet"])
            return
        for _ in range(done["after_cycles"] - 1):
            await self.run()
        self._observe = Pin(*done["high"]) if done.get("high") else None
        while True:
            await self.run()
            if self._observed if self._observe else self.done_seen:
                break
            self.idle_check("the end of the step does not come")
        self._observe, self.done_seen = None, False
        while any(channel.busy for channel in self.channels.values()):
            self.idle_check("the last word of the step is not handed over")
            await self.run()


def pins_of(given: list[list[Any]]) -> list[Pin]:
    """Pins as the job has them."""
    return [Pin(*pin) for pin in given]


async def run_steps(harness: Harness) -> None:
    """Step by step: begin, events, tick, output until done."""
    for number, words in enumerate(harness.job["steps"]):
        harness.step, harness.last_event = number, harness.cycle
        await harness.mark(harness.job["begin"])
        for port, word in words:
            harness.channels[port].queue.append((harness.cycle, word, EVENT))
        await harness.flush()
        await harness.before_tick()
        await harness.mark(harness.job["tick"])
        harness.last_event = harness.cycle
        await harness.wait_done()
    harness.step += 1
    for _ in range(TAIL_CYCLES):
        await harness.run()


async def run_stream(harness: Harness) -> None:
    """No steps: every word not before its cycle, then until nothing happens any more."""
    first = harness.cycle
    harness.step = 0
    for port, cycle, word in harness.job["stream"]:
        harness.channels[port].queue.append((first + cycle, word, EVENT))
    while any(channel.busy for channel in harness.senders()):
        if not any(channel.queue and channel.queue[0][0] > harness.cycle for channel in harness.senders()):
            harness.idle_check()
        await harness.run()
    await harness.quiet(harness.job["quiet_cycles"])


@cocotb.test()
async def drive(dut: Any) -> None:
    """The whole run."""
    job = json.loads(Path(os.environ[JOB]).read_text())
    with open(job["log"], "w") as log:
        harness = Harness(dut, job, log)
        end, text = "done", "-"
        try:
            await harness.start()
            log.write(f"time0 {int(cocotb.utils.get_sim_time('ps'))} {job['period_ps']}\n")
            await harness.configure()
            await (run_stream(harness) if job["steps"] is None else run_steps(harness))
        except StopError as stop:
            end, text = stop.why, stop.text
        log.write(f"end {harness.cycle} {end} {text}\n")
