"""The small modules in lock-step with their models, under random inputs that the protocol allows.

The job names the unit and its parameters.  Inputs are set and outputs read in the middle of a cycle.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from neurosim.rules import arbiter
from rtl_models.bench.job import check, known, reset, the_job

SETTLE = 1  # simulator steps until outputs follow inputs


async def fifo(dut: Any, job: dict[str, Any], rng: random.Random) -> None:
    """A queue of at most DEPTH words, whose front may be the word that arrives now."""
    depth, stored = job["parameters"]["DEPTH"], deque[int]()
    await reset(dut, {"push": 0, "push_data": 0, "pop": 0})
    for cycle in range(job["cycles"]):
        eager = rng.random() < 0.5
        check(cycle, "words stored", len(stored), int(dut.count.value))
        pushes, word = len(stored) < depth and rng.random() < (0.9 if eager else 0.4), rng.randrange(256)
        if pushes:
            stored.append(word)
        pops = bool(stored) and rng.random() < (0.4 if eager else 0.9)
        dut.push.value, dut.push_data.value, dut.pop.value = int(pushes), word, int(pops)
        await Timer(SETTLE, "step")
        check(cycle, "a word at the front", bool(stored), bool(dut.front_valid.value))
        if stored:
            check(cycle, "front", stored[0], int(dut.front.value))
        if pops:
            stored.popleft()
        await FallingEdge(dut.clk)


async def round_robin(dut: Any, job: dict[str, Any], rng: random.Random) -> None:
    """The rules' pick and advance."""
    n, pointer = job["parameters"]["N"], 0
    policy = arbiter.FIXED_PRIORITY if job["parameters"]["FIXED"] else arbiter.ROUND_ROBIN
    await reset(dut, {"request": 0, "moved": 0})
    for cycle in range(job["cycles"]):
        mask, moved = rng.randrange(1 << n) & rng.randrange(1 << n), rng.random() < 0.7
        dut.request.value, dut.moved.value = mask, int(moved)
        await Timer(SETTLE, "step")
        check(cycle, "pointer", pointer, int(dut.pointer.value))
        winner = arbiter.pick(policy, mask, pointer) if mask else None
        check(cycle, "grant", 0 if winner is None else 1 << winner, int(dut.grant.value))
        if moved and winner is not None:
            pointer = arbiter.advance(winner, n)
        await FallingEdge(dut.clk)


async def credits(dut: Any, job: dict[str, Any], rng: random.Random) -> None:
    """A number between 0 and INITIAL; credits that arrive can be spent at once."""
    initial = job["parameters"]["INITIAL"]
    most, count = (1 << job["parameters"]["RETURN_BITS"]) - 1, initial
    await reset(dut, {"returned": 0, "spend": 0})
    for cycle in range(job["cycles"]):
        check(cycle, "credits", count, int(dut.count.value))
        returned = rng.randint(0, min(most, initial - count))
        spends = count + returned > 0 and rng.random() < 0.7
        dut.returned.value, dut.spend.value = returned, int(spends)
        await Timer(SETTLE, "step")
        check(cycle, "available", count + returned > 0, bool(dut.available.value))
        count += returned - spends
        await FallingEdge(dut.clk)


async def link(dut: Any, job: dict[str, Any], rng: random.Random) -> None:
    """Flits DELAY cycles later, credits CREDIT_DELAY cycles later, whatever the serialiser does between."""
    p = job["parameters"]
    due: dict[int, tuple[int, int]] = {}
    freed: dict[int, int] = {}
    free_at = 0
    await reset(dut, {"in_valid": 0, "in_flit": 0, "in_vc": 0, "credit_in": 0})
    for cycle in range(job["cycles"]):
        sends = cycle >= free_at and rng.random() < 0.6
        dut.in_valid.value = int(sends)
        if sends:
            word = rng.randrange(1 << p["FLIT_BITS"]), rng.randrange(1 << p["VC_BITS"])
            due[cycle + p["DELAY"]] = word
            dut.in_flit.value, dut.in_vc.value = word
            free_at = cycle + p["CYCLES_PER_FLIT"]
        freed[cycle + p["CREDIT_DELAY"]] = credit = rng.randrange(1 << p["CREDITS"])
        dut.credit_in.value = credit
        await Timer(SETTLE, "step")
        check(cycle, "a flit arrives", cycle in due, bool(dut.out_valid.value))
        if cycle in due:
            check(cycle, "flit and VC", due[cycle], (int(dut.out_flit.value), int(dut.out_vc.value)))
        check(cycle, "credits", freed.get(cycle, 0), int(dut.credit_out.value))
        await FallingEdge(dut.clk)


class Edges:
    """Two clocks, driven by hand so that their edges never meet; periods in simulator steps of 4."""

    def __init__(self, dut: Any, write_period: int, read_period: int) -> None:
        self.dut, self.periods = dut, {"write": 4 * write_period, "read": 4 * read_period}
        self.now = 0

    async def next(self) -> set[str]:
        """Go one step; the clocks that rise at its end."""
        self.now += 1
        await Timer(1, "step")
        rising = set()
        for name, period in self.periods.items():
            phase = (self.now + (2 if name == "read" else 0)) % period
            if phase in (0, period // 2):
                getattr(self.dut, f"{name}_clk").value = int(phase == 0)
            if phase == 0:
                rising.add(name)
        return rising


async def two_clocks(dut: Any, job: dict[str, Any], rng: random.Random) -> None:
    """Order and number of words always; full and empty to the edge: pointers take two edges across."""
    size = 1 << job["parameters"]["ADDRESS_BITS"]
    edges = Edges(dut, job["write_period"], job["read_period"])
    for name in ("write_clk", "read_clk", "push", "push_data", "pop"):
        getattr(dut, name).value = 0
    dut.write_rst.value = dut.read_rst.value = 1
    for _ in range(16 * max(job["write_period"], job["read_period"])):
        await edges.next()
    dut.write_rst.value = dut.read_rst.value = 0
    words: list[int] = []
    n_read = 0
    seen_written, seen_read = [0, 0], [0, 0]  # what the other side knows after one edge more, and now
    rises, pushes, pops, last_gray = 0, False, False, 0
    while rises < job["cycles"]:
        rising = await edges.next()  # registers change at its end: what was set before counts
        if "write" in rising:
            if pushes and len(words) - seen_read[1] < size:
                words.append(int(dut.push_data.value))
            seen_read = [n_read, seen_read[0]]
        if "read" in rising:
            rises += 1
            if pops and seen_written[1] > n_read:
                n_read += 1
            seen_written = [len(words), seen_written[0]]
        if not rising:
            continue
        await Timer(1, "step")  # settled
        edges.now += 1
        check(rises, "full", len(words) - seen_read[1] == size, bool(dut.full.value))
        check(rises, "empty", seen_written[1] == n_read, bool(dut.empty.value))
        if seen_written[1] > n_read:
            check(rises, f"word {n_read}", words[n_read], known(dut.front))
        gray = int(dut.write_gray.value)
        check(rises, "bits of the Gray pointer that changed", True, (gray ^ last_gray).bit_count() <= 1)
        last_gray = gray
        eager = rises // 40 % 2  # now the writer, now the reader is the faster one
        pushes, pops = rng.random() < (0.9 if eager else 0.3), rng.random() < (0.3 if eager else 0.9)
        dut.push.value, dut.pop.value = int(pushes), int(pops)
        dut.push_data.value = rng.randrange(256)
    check(rises, "words went through", True, n_read > job["cycles"] // 8)


UNITS: dict[str, Callable[..., Any]] = {
    "sync_fifo": fifo, "rr_arbiter": round_robin, "credit_counter": credits, "chip_link": link,
    "async_fifo": two_clocks,
}  # fmt: skip


@cocotb.test()
async def unit_equals_its_model(dut: Any) -> None:
    """The unit that the job names."""
    job = the_job()
    await UNITS[job["unit"]](dut, job, random.Random(job["seed"]))
