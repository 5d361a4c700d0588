"""Holds the adapter against the elaborated design: names, directions, widths, and what nobody drives."""

from __future__ import annotations

from dataclasses import replace

from neurosim.chip.tree import Path
from neurosim.errors import did_you_mean
from rtl_models.dut.adapter import DRIVEN_BY_SENDER, Mark, Port
from rtl_models.dut.elaborate import Elaborated, Memory
from rtl_models.dut.layout import WordLayout, bits_of
from rtl_models.dut.loading import Loaded
from rtl_models.dut.pins import Pin, parse_pin

_WORDS = {"INPUT": "an input", "OUTPUT": "an output", "INOUT": "an inout"}


class Checked:
    """All pins of the adapter, with their widths; making one checks everything.

    Raises:
        InputError: the first mistake, at its place in the adapter file.
    """

    def __init__(self, loaded: Loaded, design: Elaborated) -> None:
        self._loaded, self._design = loaded, design
        self._driven: dict[str, int] = {}  # input port -> its bits that somebody drives
        adapter = loaded.adapter
        self.clock = self.pin(("clock", "port"), adapter.clock.port, True, 1)
        self.reset = None
        if adapter.reset is not None:
            pin = self.pin(("reset", "port"), adapter.reset.port, True, 1)
            self.reset = replace(pin, inverted=pin.inverted != (adapter.reset.active == "low"))
        self.ties = {name: self.pin(("ties", name), name, True) for name in adapter.ties}
        self.ports = {name: self._port(name, port) for name, port in adapter.ports.items()}
        self.marks = self._marks()
        self.stages: list[dict[str, Pin]] = []
        for index in range(len(adapter.configuration)):
            self.stages.append(self._stage(index))
        self._nothing_floats()

    def pin(self, at: Path, text: str, drives: bool, bits: int | None = None) -> Pin:
        """The pin ``text``, one that we drive or one that we read, of ``bits`` bits."""
        try:
            pin = parse_pin(text)
        except ValueError as error:
            raise self._loaded.error(at, str(error), "bad-signal") from error
        if "." in pin.name and not drives:
            return replace(pin, width=pin.width or 1)  # inside the design: the bench looks
        pin = self._of_port(at, pin, drives)
        if bits is not None and pin.width != bits:
            raise self._loaded.error(
                at, f"'{text}' has the wrong width", "width", expected=_bits(bits), got=_bits(pin.width)
            )
        if drives:
            self._drive(at, pin)
        return pin

    def _drive(self, at: Path, pin: Pin) -> None:
        bits = pin.mask << pin.lsb
        if self._driven.get(pin.name, 0) & bits:
            raise self._loaded.error(at, f"port '{pin.name}' is driven twice", "driven-twice")
        self._driven[pin.name] = self._driven.get(pin.name, 0) | bits

    def _of_port(self, at: Path, pin: Pin, drives: bool) -> Pin:
        ports, top = self._design.ports, self._loaded.adapter.design.top
        if pin.name not in ports:
            near = did_you_mean(pin.name, ports)
            raise self._loaded.error(
                at, f"top '{top}' has no port '{pin.name}'", "no-port",
                expected=None if near else "one of " + ", ".join(ports), hint=near,
            )  # fmt: skip
        direction, width = ports[pin.name]
        if direction != ("INPUT" if drives else "OUTPUT"):
            raise self._loaded.error(
                at, f"port '{pin.name}' has the wrong direction", "direction",
                expected=f"{_WORDS['INPUT' if drives else 'OUTPUT']} of the design", got=_WORDS[direction],
            )  # fmt: skip
        pin = replace(pin, width=pin.width or width)
        if pin.lsb + pin.width > width:
            raise self._loaded.error(
                at, f"port '{pin.name}' has no bit {pin.lsb + pin.width - 1}", "width", got=_bits(width)
            )
        return pin

    def _port(self, name: str, port: Port) -> dict[str, list[Pin]]:
        """Pins by signal of the protocol."""
        found = {}
        for signal, names in port.signals.items():
            drives = (signal in DRIVEN_BY_SENDER) == (port.direction == "in")
            one = None if signal == "data" else 1
            at: Path = ("ports", name, "signals", signal)
            found[signal] = [
                self.pin((*at, index) if len(names) > 1 else at, text, drives, one)
                for index, text in enumerate(names)
            ]
        width, layout = sum(pin.width for pin in found["data"]), WordLayout(port.fields)
        if width != layout.bits:
            raise self._loaded.error(
                ("ports", name, "fields"), f"the fields of port '{name}' do not fill its data signal",
                "width", expected=_bits(width), got=_bits(layout.bits),
            )  # fmt: skip
        return found

    def _marks(self) -> dict[str, Pin]:
        """Pins of the signals between steps: begin, tick, done."""
        step = self._loaded.adapter.step
        found: dict[str, Pin] = {}
        if step is None:
            return found
        for name, mark in (("begin", step.begin), ("tick", step.tick)):
            if mark is not None and mark.pulse is not None:
                found[name] = self.pin(("step", name, "pulse"), mark.pulse, True, 1)
            elif mark is not None:
                self._word(("step", name, "fields"), mark)
        if step.ready is not None:
            found["ready"] = self.pin(("step", "ready"), step.ready, False, 1)
        if step.done.high is not None:
            found["done"] = self.pin(("step", "done", "high"), step.done.high, False, 1)
        elif step.done.port is not None:
            self._word(("step", "done", "fields"), Mark(port=step.done.port, fields=step.done.fields))
        return found

    def _word(self, at: Path, mark: Mark) -> None:
        assert mark.port is not None
        known = [field.name for field in self._loaded.adapter.ports[mark.port].fields]
        for name in mark.fields:
            if name not in known:
                raise self._loaded.error(
                    (*at, name), f"port '{mark.port}' has no field '{name}'", "no-field",
                    hint=did_you_mean(name, known) or "its fields: " + ", ".join(known),
                )  # fmt: skip

    def _stage(self, index: int) -> dict[str, Pin]:
        """Pins of one stage of the configuration."""
        stage, at = self._loaded.adapter.configuration[index], ("configuration", index)
        if stage.image is not None:
            if stage.image.memory is not None:
                self.memory((*at, "image", "memory"), stage.image.memory)
            return {}
        if stage.spi is not None:
            spi = stage.spi
            found = {name: self._again((*at, "spi", name), getattr(spi, name)) for name in ("clock", "data")}
            if spi.select is not None:
                pin = self._again((*at, "spi", "select"), spi.select)
                found["select"] = replace(pin, inverted=pin.inverted != (spi.select_active == "low"))
            fields = {field.name for field in spi.frame}
            self._transactions(at, index, fields, f"{bits_of(spi.frame)}-bit frame")
            return found
        assert stage.bus is not None
        bus = stage.bus
        found = {"write": self._again((*at, "bus", "write"), bus.write)}
        if bus.ready is not None:
            found["ready"] = self.pin((*at, "bus", "ready"), bus.ready, False, 1)
        for name, text in bus.signals.items():
            found[f"field {name}"] = self._again((*at, "bus", "signals", name), text, None)
        self._transactions(at, index, set(bus.signals), "bus")
        return found

    def _again(self, at: Path, text: str, bits: int | None = 1) -> Pin:
        """A pin that an earlier stage of the configuration may drive too."""
        before = dict(self._driven)
        for stage_pins in self.stages:
            for pin in stage_pins.values():
                self._driven.pop(pin.name, None)
        try:
            return self.pin(at, text, True, bits)
        finally:
            for name, driven in before.items():
                self._driven[name] = self._driven.get(name, 0) | driven

    def _transactions(self, at: Path, index: int, known: set[str], what: str) -> None:
        for number, group in enumerate(self._loaded.adapter.configuration[index].writes):
            for name in group.fields:
                if name not in known:
                    raise self._loaded.error(
                        (*at, "writes", number, "fields", name), f"the {what} has no field '{name}'",
                        "no-field",
                        hint=did_you_mean(name, known) or "its fields: " + ", ".join(sorted(known)),
                    )  # fmt: skip

    def memory(self, at: Path, name: str) -> Memory:
        """The memory of this hierarchical name."""
        memories = self._design.memories
        name = name.removeprefix(f"{self._loaded.adapter.design.top}.")
        if name not in memories:
            near = did_you_mean(name, memories)
            known = ", ".join(sorted(memories)) or "there is none"
            raise self._loaded.error(
                at, f"no memory '{name}' in the elaborated design", "no-memory", hint=near,
                expected=None if near else f"a hierarchical name below the top: {known}",
            )  # fmt: skip
        return memories[name]

    def _nothing_floats(self) -> None:
        for name, (direction, width) in self._design.ports.items():
            if direction == "INPUT" and self._driven.get(name, 0) != (1 << width) - 1:
                raise self._loaded.error(
                    ("design", "top"), f"nobody drives the input '{name}' of the design", "undriven",
                    hint=f"name it in a port, or give it a value: ties: {{{name}: 0}}",
                )  # fmt: skip


def _bits(bits: int) -> str:
    return f"{bits} bit{'s' if bits != 1 else ''}"
