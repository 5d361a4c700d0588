"""The link between two clocks against ``neurosim.rules.clocks``: every cycle of both sides, or order only.

The job holds the parameters of ``gals_link``, ``depth`` (credits of each VC), pairs of clocks and perhaps a
number of scenarios that Hypothesis is to draw; all run one after the other in one simulation. ``exact``
demands the cycle of every flit and credit; otherwise the clocks wander, and order, number and credits are
held. One coroutine drives both clocks, so that edges at equal times are one event of the simulator.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge, resume
from cocotb.triggers import Timer

from neurosim.rules import clocks
from rtl_models.bench.job import DifferenceError, the_job

STEPS_PER_PS = 4  # simulator steps: edges of different times are always that far apart
RESET_EDGES = 4  # of both clocks
PATIENCE = 400  # cycles of both sides in which everything must be home
MORE_CYCLES = 6  # of both sides, in which nothing may come any more


def edges(clock: clocks.Clock, wanders: random.Random | None) -> Iterator[int]:
    """Times of a clock's edges; a wandering one drifts by a tenth and shakes by a twentieth of its period."""
    if wanders is None:
        yield from (clocks.edge_time_ps(clock, edge) for edge in itertools.count())
    drift, now, most, shake = 0, clock.phase_ps, clock.period_ps // 10, clock.period_ps // 20
    while wanders is not None:
        yield now
        drift = max(-most, min(most, drift + wanders.randint(-most // 4, most // 4)))
        now += clock.period_ps + drift + wanders.randint(-shake, shake)


class Link:
    """What is under way on one link, and what the rules say about when it arrives.

    A scenario has ``send`` and ``receive`` (period and phase in ps), ``flits`` (cycles to wait before it, VC)
    and ``drains`` (cycles that the receiver waits between taking one flit of every VC, over and over).
    """

    def __init__(self, dut: Any, job: dict[str, Any], scenario: dict[str, Any]) -> None:
        self.dut, self.p, self.exact = dut, job["parameters"], bool(job["exact"])
        self.depth = int(job["depth"])
        self.scenario = scenario
        self.send, self.receive = (clocks.Clock(*scenario[side]) for side in ("send", "receive"))
        self.credits, self.stored = ([n] * self.p["CREDITS"] for n in (self.depth, 0))
        self.flits = deque(scenario["flits"])
        self.drains = itertools.cycle(scenario["drains"])
        self.free_at = self.hold = self.n_sent = self.n_arrived = 0
        self.asked_at: int | None = None
        self.under_way: deque[tuple[int, tuple[int, int]]] = deque()  # cycle of arrival, flit and VC
        self.credit_due: list[deque[int]] = [deque() for _ in self.credits]
        self.last_arrival, self.last_credit = -1, [-1] * len(self.credits)
        self.gray: dict[str, int] = {}

    def check(self, side: str, cycle: int, what: str, expected: Any, got: Any) -> None:
        """Compare one value; the difference names the side, its cycle and both clocks."""
        if expected != got:
            clock = {name: "{} ps + {}".format(*self.scenario[name]) for name in ("send", "receive")}
            raise DifferenceError(
                f"Difference in cycle {cycle}: {side}: {what}: expected {expected}, got {got} "
                f"(clocks: send {clock['send']}, receive {clock['receive']})"
            )

    def sender(self, cycle: int, starts: bool) -> None:
        """One cycle of the sender, its outputs settled: credits arrive, then perhaps a flit leaves."""
        got = self._read("sender", cycle, "credit_out", self.dut.credit_out)
        for vc in range(len(self.credits)):
            arrives, due = bool(got >> vc & 1), self.credit_due[vc]
            if self.exact:
                self.check("sender", cycle, f"a credit of VC {vc}", bool(due) and due[0] == cycle, arrives)
            if arrives:
                self.check("sender", cycle, f"credits of VC {vc} under way", True, bool(due))
                due.popleft()
            self.credits[vc] += arrives
        self._one_bit("sender", cycle, "write_gray", self.dut.fifo.write_gray)
        leaves = starts and self._leaves(cycle)
        self.dut.in_valid.value = int(leaves)
        writes = leaves  # what the link has at its end: without wires, what leaves now
        if self.p["DELAY"]:
            writes = bool(self._read("sender", cycle, "whole", self.dut.whole))
        is_full = bool(self._read("sender", cycle, "full", self.dut.full))
        self.check("sender", cycle, "a flit written into a full FIFO", False, writes and is_full)

    def _leaves(self, cycle: int) -> bool:
        """Send the next flit if its wait is over and its VC has a credit."""
        if not self.flits:
            return False
        wait, vc = self.flits[0]
        self.asked_at = cycle if self.asked_at is None else self.asked_at
        if cycle < max(self.free_at, self.asked_at + wait) or not self.credits[vc]:
            return False
        self.flits.popleft()
        self.asked_at, self.free_at = None, cycle + self.p["CYCLES_PER_FLIT"]
        self.credits[vc] -= 1
        flit = (self.n_sent * 0x9E37 + 0x55) % (1 << self.p["FLIT_BITS"])
        self.n_sent += 1
        self.dut.in_flit.value, self.dut.in_vc.value = flit, vc
        edge = clocks.write_edge(cycle - 1, 1, self.p["DELAY"] + 1)  # it won a cycle before it is on the port
        seen = clocks.seen_in_cycle(self.send, edge, self.receive, self.p["STAGES"])
        self.last_arrival = clocks.arrival_cycle(seen, self.last_arrival)
        self.under_way.append((self.last_arrival, (flit, vc)))
        return True

    def receiver(self, cycle: int, starts: bool) -> None:
        """One cycle of the receiver, its outputs settled: slots are freed, perhaps a flit arrives."""
        self.dut.credit_in.value = self._frees(cycle) if starts else 0  # of flits of earlier cycles
        arrives = bool(self._read("receiver", cycle, "out_valid", self.dut.out_valid))
        if self.exact:
            due = bool(self.under_way) and self.under_way[0][0] == cycle
            self.check("receiver", cycle, "a flit arrives", due, arrives)
        if arrives:
            self.check("receiver", cycle, "flits under way", True, bool(self.under_way))
            _, flit = self.under_way.popleft()
            pins = {name: getattr(self.dut, name) for name in ("out_flit", "out_vc")}
            got = tuple(self._read("receiver", cycle, name, pin) for name, pin in pins.items())
            self.check("receiver", cycle, f"flit {self.n_arrived} and its VC", flit, got)
            self.n_arrived += 1
            self.stored[flit[1]] += 1
            self.check("receiver", cycle, "more flits than credits", False, max(self.stored) > self.depth)
        self._one_bit("receiver", cycle, "read_gray", self.dut.fifo.read_gray)
        for vc in range(len(self.stored)):
            self._one_bit("receiver", cycle, f"given_gray of VC {vc}", self.dut.vc[vc].crossing.given_gray)

    def _frees(self, cycle: int) -> int:
        """Take a flit of every VC that has one, if the wait is over; the credits as bits."""
        if self.hold:
            self.hold -= 1
            return 0
        self.hold, freed = next(self.drains), 0
        for vc, stored in enumerate(self.stored):
            if stored:
                self.stored[vc] -= 1
                freed |= 1 << vc
                edge = clocks.credit_write_edge(cycle - 1, self.p["CREDIT_DELAY"] + 1)
                seen = clocks.seen_in_cycle(self.receive, edge, self.send, self.p["STAGES"])
                self.last_credit[vc] = clocks.credit_arrival_cycle(seen, self.last_credit[vc])
                self.credit_due[vc].append(self.last_credit[vc])
        return freed

    def _one_bit(self, side: str, cycle: int, name: str, handle: Any) -> None:
        """The simulator catches all bits of a pointer at once; hardware does so only if one changes."""
        gray = self._read(side, cycle, name, handle)
        changed = (self.gray.get(name, gray) ^ gray).bit_count()
        self.gray[name] = gray
        self.check(side, cycle, f"more than one bit of {name} changed", False, changed > 1)

    def _read(self, side: str, cycle: int, name: str, handle: Any) -> int:
        """Value of a signal of which every bit is to be known."""
        value = handle.value
        self.check(side, cycle, f"{name} is known", "yes", "yes" if value.is_resolvable else str(value))
        return int(value)

    def is_home(self) -> bool:
        """Everything was sent, has arrived, and all credits are back."""
        is_back = all(credits == self.depth for credits in self.credits)
        return is_back and not self.flits and self.n_arrived == self.n_sent

    def give_up(self, cycles: list[int]) -> None:
        """It takes too long: say what is missing."""
        n_flits, depth = self.n_sent + len(self.flits), [self.depth] * len(self.credits)
        self.check("receiver", cycles[1], "flits that arrived", n_flits, self.n_arrived)
        self.check("sender", cycles[0], "credits that came back", depth, self.credits)


class TwoClocks:
    """Drives both clocks; ``cycle`` are the numbers of the cycles that run, of sender and receiver."""

    def __init__(self, dut: Any, job: dict[str, Any], scenario: dict[str, Any]) -> None:
        wanders = None if job["exact"] else random.Random(str(scenario))
        self.times = [edges(clocks.Clock(*scenario[side]), wanders) for side in ("send", "receive")]
        self.pins = [(dut.send_clk, dut.send_rst), (dut.receive_clk, dut.receive_rst)]
        self.following = [next(times) for times in self.times]
        self.cycle: list[int] = [-1, -1]
        self.now = 0
        for name in ("in_valid", "in_flit", "in_vc", "credit_in"):
            getattr(dut, name).value = 0
        for clock, rst in self.pins:
            clock.value, rst.value = 0, 1

    async def tick(self) -> list[int]:
        """Go to the next edge, or to both if they are at one time, and let it settle; the sides that rose."""
        time = min(self.following) * STEPS_PER_PS
        rising = [side for side in (0, 1) if self.following[side] * STEPS_PER_PS == time]
        if time > self.now:
            await Timer(time - self.now, "step")
        for side in rising:
            self.pins[side][0].value = 1
            self.following[side] = next(self.times[side])
            self.cycle[side] += 1
        await Timer(1, "step")
        self.now = time + 1
        for side in rising:
            clock, rst = self.pins[side]
            clock.value, rst.value = 0, int(min(self.cycle) < RESET_EDGES)
        return rising


async def run(dut: Any, job: dict[str, Any], scenario: dict[str, Any]) -> int:
    """One scenario from reset to the last credit; how many cycles of the receiver it took.

    Raises:
        DifferenceError: the first difference.
    """
    link, both = Link(dut, job, scenario), TwoClocks(dut, job, scenario)
    await Timer(STEPS_PER_PS, "step")
    limit, home = _most_cycles(scenario), [0, 0]
    while min(home) < MORE_CYCLES:
        for side in await both.tick():
            cycle, starts = both.cycle[side], min(both.cycle) > RESET_EDGES + 2
            if cycle > 0:
                (link.sender, link.receiver)[side](cycle, starts)
            home[side] = home[side] + 1 if link.is_home() else 0
        if min(both.cycle) > limit:
            link.give_up(both.cycle)
    return both.cycle[1]


def _most_cycles(scenario: dict[str, Any]) -> int:
    """Cycles of either clock after which all is over, generously."""
    flits: list[tuple[int, int]] = scenario["flits"]
    drains: list[int] = scenario["drains"]
    per_flit = 8 + sum(drains) // len(drains)
    return PATIENCE + max(drains) + sum(wait for wait, _ in flits) + per_flit * len(flits)


def scenarios(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The job's pairs of clocks with random traffic: bursts, pauses, a receiver that is fast or slow."""
    rng = random.Random(job["seed"])
    n_vcs = job["parameters"]["CREDITS"]
    for number, (send, receive) in enumerate(job["clocks"]):
        flits: list[tuple[int, int]] = []
        while len(flits) < job["flits"]:
            slowest = rng.choice((0, 0, 2, 9))
            flits += [(rng.randint(0, slowest), rng.randrange(n_vcs)) for _ in range(rng.randint(1, 12))]
        drains = [rng.choice((0, 0, 0, 1, 3, 12)) for _ in range(rng.randint(1, 9))]
        if number % 2:  # everything that is stored, at once
            drains = [100, *[0] * job["depth"]]
        yield {"send": send, "receive": receive, "flits": flits, "drains": drains}


def drawn(job: dict[str, Any], execute: Any) -> None:
    """Let Hypothesis draw ``job["drawn"]`` scenarios for ``execute``; a failing one is made small."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    vc = st.integers(0, job["parameters"]["CREDITS"] - 1)
    ratio = st.sampled_from(((1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (4, 1), (2, 3), (5, 2)))
    pair = st.tuples(ratio, st.integers(100, 300), st.integers(0, 900), st.integers(0, 900))
    flits = st.lists(st.tuples(st.integers(0, 6), vc), min_size=1, max_size=24)
    drains = st.lists(st.integers(0, 8), min_size=1, max_size=6)

    @settings(max_examples=job["drawn"], derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(pair, flits, drains)
    def try_one(pair: Any, flits: Any, drains: Any) -> None:
        (send, receive), unit, *phases = pair
        execute({"send": (4 * send * unit, phases[0]), "receive": (4 * receive * unit, phases[1]),
                 "flits": flits, "drains": drains})  # fmt: skip

    try_one()


@cocotb.test()
async def link_equals_the_rules(dut: Any) -> None:
    """All scenarios; the log names the first difference."""
    job = the_job()
    done = {"cycles": 0, "packets": 0}
    try:
        for scenario in scenarios(job):
            done["cycles"] += await run(dut, job, scenario)
            done["packets"] += len(scenario["flits"])
        if job.get("drawn"):

            async def one(scenario: dict[str, Any]) -> None:
                await run(dut, job, scenario)

            await bridge(drawn)(job, resume(one))  # Hypothesis is not a coroutine
    except DifferenceError as error:
        cocotb.log.error(str(error))
        raise
    if "result" in job:
        Path(job["result"]).write_text(json.dumps(done))
