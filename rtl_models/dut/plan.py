"""Everything that one case needs, as plain numbers: the job that the bench reads, and the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from rtl_models.dut.adapter import Image, Mark
from rtl_models.dut.checks import Checked
from rtl_models.dut.elaborate import Memory
from rtl_models.dut.expressions import ExpressionError
from rtl_models.dut.images import bus_values, expression, frames, image_words, transactions
from rtl_models.dut.layout import WordLayout
from rtl_models.dut.loading import Loaded
from rtl_models.dut.pins import Pin
from rtl_models.dut.stimuli import Stimuli

QUIET_CYCLES = 64  # without steps: a run ends when nothing has happened for so long
NEVER = 1 << 62


@dataclass(frozen=True)
class Plan:
    """``job`` for the bench, ``files`` (name, text) for the design, ``plusargs`` for the simulator."""

    job: dict[str, Any]
    files: Mapping[str, str]
    plusargs: tuple[str, ...]


def image_name(index: int) -> str:
    """The file of the image of stage ``index``, in the folder of the run."""
    return f"image{index}.hex"


def passed_images(loaded: Loaded, way: str) -> dict[str, str]:
    """Defines or parameters (``way``) by which the design is told the names of its image files."""
    stages = enumerate(loaded.adapter.configuration)
    images = [(index, stage.image) for index, stage in stages if stage.image is not None]
    return {str(image.name): f'"{image_name(index)}"' for index, image in images if image.passed_by == way}


def make_plan(
    loaded: Loaded, checked: Checked, stimuli: Stimuli, tables: Mapping[str, Any], seed: int
) -> Plan:
    """The plan of one case.

    Raises:
        InputError: an expression of the adapter has no value, or something does not fit its place.
    """
    adapter = loaded.adapter
    memories, files, plusargs, stages = [], {}, [], []
    for index, stage in enumerate(adapter.configuration):
        if stage.image is None:
            stages.append(_stage(loaded, checked, index, tables))
            continue
        memory = _memory(checked, index, stage.image)
        words = image_words(loaded, ("configuration", index, "image"), stage.image, memory, tables)
        if stage.image.memory is not None:
            name = stage.image.memory.removeprefix(f"{adapter.design.top}.")
            memories.append({"name": name, "words": words})
            continue
        files[image_name(index)] = "".join(f"{word:x}\n" for word in words)
        if stage.image.passed_by == "plusarg":
            plusargs.append(f"+{stage.image.name}={image_name(index)}")
    ties = {name: expression(loaded, ("ties", name), text, tables) for name, text in adapter.ties.items()}
    for name, value in ties.items():
        if not 0 <= value <= checked.ties[name].mask:
            expected = f"{checked.ties[name].width} bits"
            raise loaded.error(("ties", name), f"'{name}' does not fit", "too-wide", expected, str(value))
    job = {
        "clock": checked.clock.name, "period_ps": adapter.clock.period_ps // 2 * 2,
        "reset": None if checked.reset is None or adapter.reset is None
        else {"pin": astuple(checked.reset), "cycles": adapter.reset.cycles},
        "ties": [(astuple(checked.ties[name]), value) for name, value in ties.items()],
        "idle": _idle(checked), "ports": _ports(loaded, checked), "memories": memories,
        "configuration": stages, **_steps(loaded, checked, stimuli, tables),
        "stall": adapter.stimuli.stall, "seed": seed, "max_cycles": adapter.limits.cycles,
        "idle_cycles": adapter.limits.idle_cycles, "stop_cycle": NEVER,
    }  # fmt: skip
    return Plan(job, files, tuple(plusargs))


def _memory(checked: Checked, index: int, image: Image) -> Memory:
    if image.memory is not None:
        return checked.memory(("configuration", index, "image", "memory"), image.memory)
    assert image.words is not None
    assert image.bits is not None
    return Memory(image.words, image.bits)


def _idle(checked: Checked) -> list[tuple[Any, ...]]:
    """Pins that we drive now and then: 0 until then."""
    pins = [pin for name, pin in checked.marks.items() if name not in ("ready", "done")]
    pins += [pin for stage in checked.stages for name, pin in stage.items() if name != "ready"]
    return [astuple(pin) for pin in pins]


def _ports(loaded: Loaded, checked: Checked) -> list[dict[str, Any]]:
    return [
        {"name": name, "direction": port.direction, "protocol": port.protocol, "credits": port.credits,
         "signals": {k: [astuple(pin) for pin in pins] for k, pins in checked.ports[name].items()}}
        for name, port in loaded.adapter.ports.items()
    ]  # fmt: skip


def _stage(loaded: Loaded, checked: Checked, index: int, tables: Mapping[str, Any]) -> dict[str, Any]:
    stage, pins = loaded.adapter.configuration[index], checked.stages[index]
    writes = transactions(loaded, index, stage, tables)
    if stage.spi is not None:
        words, bits = frames(loaded, index, stage.spi, writes, tables), WordLayout(stage.spi.frame).bits
        named = {name: _tuple(pins.get(name)) for name in ("clock", "data", "select")}
        times = {"half_period_cycles": stage.spi.half_period_cycles, "gap_cycles": stage.spi.gap_cycles}
        return {
            "kind": "spi", "words": words, "bits": bits, "settle_cycles": stage.settle_cycles, **times,
            **named,
        }  # fmt: skip
    signals = {name.removeprefix("field "): pin for name, pin in pins.items() if name.startswith("field ")}
    widths = {name: pin.width for name, pin in signals.items()}
    return {
        "kind": "bus", "write": astuple(pins["write"]), "ready": _tuple(pins.get("ready")),
        "signals": {name: astuple(pin) for name, pin in signals.items()},
        "writes": bus_values(loaded, index, writes, widths), "settle_cycles": stage.settle_cycles,
    }  # fmt: skip


def _tuple(pin: Pin | None) -> tuple[Any, ...] | None:
    return None if pin is None else astuple(pin)


def _steps(loaded: Loaded, checked: Checked, stimuli: Stimuli, tables: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent, and what happens between the steps."""
    adapter = loaded.adapter
    layouts = {name: WordLayout(port.fields) for name, port in adapter.ports.items()}

    def word(port: str, fields: Mapping[str, int], step: int) -> int:
        try:
            return layouts[port].pack(fields, {"step": step})
        except (ValueError, ExpressionError) as error:
            raise loaded.error(("ports", port, "fields"), str(error), "word") from error

    stream = [(port, cycle, word(port, fields, 0)) for port, cycle, fields in stimuli.stream]
    quiet = adapter.step.done.quiet_cycles if adapter.step is not None else None
    found: dict[str, Any] = {
        "stream": stream, "steps": None, "begin": None, "tick": None, "done": None,
        "quiet_cycles": quiet or QUIET_CYCLES,
    }  # fmt: skip
    if stimuli.steps is None or adapter.step is None:
        return found
    found["steps"] = [
        [(port, word(port, fields, step)) for port, fields in events]
        for step, events in enumerate(stimuli.steps)
    ]
    done, ready = adapter.step.done, _tuple(checked.marks.get("ready"))
    found["before_tick"] = {"gap_cycles": adapter.step.gap_cycles, "ready": ready}
    for name, mark in (("begin", adapter.step.begin), ("tick", adapter.step.tick)):
        if mark is not None and mark.pulse is not None:
            found[name] = {"pulse": astuple(checked.marks[name])}
        elif mark is not None:
            found[name] = {"port": mark.port, "word": _mark_word(loaded, name, mark, tables)}
    high = _tuple(checked.marks.get("done"))
    found["done"] = {"after_cycles": done.after_cycles, "quiet": done.quiet_cycles, "high": high}
    if done.port is not None:
        layout, mark = layouts[done.port], Mark(port=done.port, fields=done.fields)
        named = {f.name: (1 << f.bits) - 1 for f in layout.fields if f.name in done.fields}
        mask = layout.flit.pack(**named)
        whole = _mark_word(loaded, "done", mark, tables)
        found["done"] |= {"port": done.port, "mask": mask, "word": whole & mask}
    return found


def _mark_word(loaded: Loaded, name: str, mark: Mark, tables: Mapping[str, Any]) -> int:
    assert mark.port is not None
    at = ("step", name, "fields")
    layout = WordLayout(loaded.adapter.ports[mark.port].fields)
    fields = {k: expression(loaded, (*at, k), text, tables) for k, text in mark.fields.items()}
    try:
        return layout.pack(fields, {"step": 0})
    except (ValueError, ExpressionError) as error:
        raise loaded.error(at, str(error), "word") from error
