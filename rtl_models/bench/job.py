"""What the benches share: their job, the clock, and the message of a difference."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from rtl_models.bench import JOB


class DifferenceError(AssertionError):
    """Verilog and model differ; the first line names the place."""


def the_job() -> dict[str, Any]:
    """The job that the runner wrote; its time runs from now, and at its end the system ends the simulator."""
    with open(os.environ[JOB]) as file:
        job: dict[str, Any] = json.load(file)
    if "seconds" in job:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # also when no Python runs any more
        signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    return job


def check(cycle: int, what: str, expected: Any, got: Any) -> None:
    """Compare one value.

    Raises:
        DifferenceError: they differ.
    """
    if expected != got:
        text = f"Difference in cycle {cycle}: {what}: expected {expected}, got {got}"
        cocotb.log.error(text)
        raise DifferenceError(text)


async def reset(dut: Any, inputs: dict[str, int], period: int = 2) -> None:
    """Start the clock and hold reset; returns in the middle of cycle 0, all ``inputs`` set."""
    for name, value in inputs.items():
        getattr(dut, name).value = value
    dut.rst.value = 1
    Clock(dut.clk, period, unit="step").start()
    for _ in range(3):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


def bits(value: int, index: int, width: int) -> int:
    """Field ``index`` of ``width`` bits."""
    return value >> index * width & (1 << width) - 1


def known(handle: Any) -> int:
    """Value of data of which only the part that a valid bit vouches for is known: unknown bits count as 0."""
    return int("".join(bit if bit in "01" else "0" for bit in str(handle.value)), 2)
