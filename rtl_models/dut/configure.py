"""Configuration as a list of transactions: a serial bus or parallel writes, cycle by cycle.

Reads a stage of the job; yields what stands on its signals in each cycle.  No simulator is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rtl_models.dut.pins import Pin

Cycle = dict[str, tuple[Pin, int]]


def spi_cycles(stage: dict[str, Any]) -> Iterator[Cycle]:
    """Frames, most significant bit first: data changes while the clock is low and stands while it is high."""
    clock, data = Pin(*stage["clock"]), Pin(*stage["data"])
    select = Pin(*stage["select"]) if stage["select"] else None
    half, gap = stage["half_period_cycles"], stage["gap_cycles"]

    def cycle(bit: int, high: int, selected: int) -> Cycle:
        values = {"clock": (clock, high), "data": (data, bit)}
        return {**values, "select": (select, selected)} if select else values

    for frame in stage["words"]:
        yield from (cycle(0, 0, 1) for _ in range(half))
        for index in reversed(range(stage["bits"])):
            bit = frame >> index & 1
            yield from (cycle(bit, 0, 1) for _ in range(half))
            yield from (cycle(bit, 1, 1) for _ in range(half))
        yield from (cycle(0, 0, 1) for _ in range(half))
        yield from (cycle(0, 0, 0) for _ in range(gap))


def bus_cycles(stage: dict[str, Any]) -> Iterator[Cycle]:
    """One cycle per write (the bench repeats it while the bus is not ready), one idle cycle at the end."""
    write = Pin(*stage["write"])
    signals = {name: Pin(*pin) for name, pin in stage["signals"].items()}
    for values in stage["writes"]:
        yield {"write": (write, 1)} | {f"field {name}": (signals[name], values[name]) for name in signals}
    yield {"write": (write, 0)} | {f"field {name}": (pin, 0) for name, pin in signals.items()}
