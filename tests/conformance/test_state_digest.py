"""The state after every cycle: the same from both engines, and a planted difference found where it was planted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neurosim.engines import diff, probe
from neurosim.engines.compiled.core_places import HOST_CREDITS
from neurosim.engines.diff import FieldDifference
from neurosim.engines.probe import words
from neurosim.fabric.topology import build_fabric
from tests.helpers.chips import make_chip
from tests.helpers.small_run import small_run
from tests.helpers.traffic import one, uniform
from tests.property.cases import KINDS, program_cases, traffic_cases

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
FEW = settings(max_examples=3, deadline=None, suppress_health_check=CHECKS)
MANY = settings(max_examples=80, deadline=None, suppress_health_check=CHECKS)
CYCLES = 200
Change = Callable[[Any], None]


def state(run: Any, name: str) -> Any:
    """A field of a compiled run, wherever it is."""
    try:
        return run.state.field(name)
    except KeyError:
        return run.net.field(name)


def add(name: str, index: int, amount: int = 1) -> Change:
    """A change of one value of the compiled engine."""

    def change(run: Any) -> None:
        state(run, name)[index] += amount

    return change


class Spoilt:
    """A probe in which something is changed at the end of one cycle."""

    def __init__(self, inner: Any, cycle: int, change: Change) -> None:
        self.inner, self._cycle, self._change = inner, cycle, change
        self._is_done = False

    @property
    def has_ended(self) -> bool:
        return self.inner.has_ended

    def upcoming(self) -> int | None:
        return self.inner.upcoming()

    def advance(self, cycle: int) -> None:
        if cycle >= self._cycle and not self._is_done:
            self.inner.advance(self._cycle)
            self._change(self.inner.run)
            self._is_done = True
        self.inner.advance(cycle)

    def snapshot(self) -> probe.Snapshot:
        return self.inner.snapshot()


def compare_program(case, last: int = CYCLES):
    fabric = build_fabric(case.chip, table=case.program.table, trees=case.program.trees)
    for x in case.workload.spikes:
        ours, theirs = (diff.program_probe(e, case.program, fabric, x) for e in ("reference", "compiled"))
        assert diff.lock_step(ours, theirs, last) is None
        event("to the end" if ours.has_ended else "not to the end")


def compare_traffic(case, last: int = CYCLES):
    fabric = build_fabric(case.chip, table=case.traffic.table)
    ours, theirs = (diff.traffic_probe(e, fabric, case.traffic) for e in ("reference", "compiled"))
    assert diff.lock_step(ours, theirs, last) is None


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_every_cycle_of_a_program_is_the_same(kind, data):
    compare_program(data.draw(program_cases(kind)))


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_every_cycle_of_raw_traffic_is_the_same(kind, data):
    compare_traffic(data.draw(traffic_cases(kind, cycles=30)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(data=st.data())
def test_every_cycle_of_a_program_is_the_same_nightly(kind, data):
    compare_program(data.draw(program_cases(kind)), 5000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@MANY
@given(data=st.data())
def test_every_cycle_of_raw_traffic_is_the_same_nightly(kind, data):
    compare_traffic(data.draw(traffic_cases(kind)), 5000)


def test_one_packet_by_hand():
    """From core 0 to core 1 of a 2 x 1 mesh: injection 1, hop 3, local 3, credits back after 2."""
    fabric = build_fabric(make_chip(2, 1))
    flit = (0, 1, 0, 0, 1, 0, 0)  # core 0 to core 1, step 0, axon 0, injected in 1, number 0, flit 0
    for engine in ("reference", "compiled"):
        run = diff.traffic_probe(engine, fabric, one(0, 1))
        seen = {}
        for cycle in range(1, 11):
            run.advance(cycle)
            seen[cycle] = run.snapshot()
        assert seen[1]["router (0,0) input local0 vc 0"]["flits on the wire"] == ((1, flit),)
        assert seen[1]["node 0"]["credits"] == 3
        assert seen[2]["router (1,0) input west vc 0"] == {
            "flits": (), "flits on the wire": ((3, flit),), "discards": False,
        }  # fmt: skip
        assert seen[2]["router (0,0) output east vc 0"]["credits"] == 3
        assert seen[2]["node 0"]["credits on the wire"] == (2,)
        assert seen[4]["node 0"]["credits"] == 4
        assert seen[5]["router (0,0) output east vc 0"]["credits on the wire"] == (2,)
        assert seen[5]["router (1,0) output local0"] == {
            "cycles left": 0, "pointer": 3, "flits sent": 1, "cycles waited for": 0,
        }  # fmt: skip
        assert seen[7]["packets"] == {"open": 1, "dropped": 0, "arrived in": (-1,)}
        assert seen[8]["packets"] == {"open": 0, "dropped": 0, "arrived in": (8,)}
        assert run.has_ended


def program_pair() -> list[Any]:
    s = small_run("tiny", 1)
    fabric, x = build_fabric(s.chip), s.case.workload.spikes[0]
    return [diff.program_probe(engine, s.case.program, fabric, x) for engine in ("reference", "compiled")]


def test_digests_follow_the_state():
    ours, theirs = program_pair()
    seen = []
    for _cycle in diff.cycles_of(ours, theirs, 200):
        mine, other = ours.snapshot(), theirs.snapshot()
        assert probe.digests(mine) == probe.digests(other)
        assert probe.digest(mine) == probe.digest(other)
        seen.append(probe.digest(mine))
    assert len(set(seen)) == len(seen) > 100  # time passes: no two cycles are alike


PROGRAM_CHANGES = {
    "membrane": (add("V", 3), "core 1 neurons", "membrane"),
    "current": (add("I", 3), "core 1 neurons", "current"),
    "accumulator": (add("BANK", 3), "core 1 neurons", "accumulator 0"),
    "core step": (add("CORE_STEP", 0), "core 1 loop", "step"),
    "next token": (add("START_COUNT", 0), "core 1 loop", "tokens waiting"),
    "receive pointer": (add("RX_POINTER", 0), "core 1 pipeline", "pointer"),
    "transmit credits": (add("TX_CREDITS", 0, -1), "core 1 transmit", "credits"),
    "host credits": (add("RUN", HOST_CREDITS, -1), "host", "credits"),
    "event": (add("EVENTS", (0, 5)), "core 1 counters", "packet_decoded"),
    "router credits": (add("CREDITS", 0, -1), "router (0,0) output east vc 0", "credits"),
    "port busy": (add("FREE_AT", 1, 500), "router (0,0) output north", "cycles left"),
    "output pointer": (add("PORT_POINTER", 12), "router (1,0) output local0", "pointer"),
    "router pointer": (add("ROUTER_POINTER", 5), "router (1,1)", "pointer"),
    "owner": (add("OWNER", 8), "router (1,0) output east vc 0", "owner"),
    "flits sent": (add("PORT_FLITS", 8), "router (1,0) output east", "flits sent"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAM_CHANGES)
def test_a_planted_difference_is_found_in_its_cycle_component_and_field(name):
    change, component, field = PROGRAM_CHANGES[name]
    ours, theirs = program_pair()
    cycle = 70
    found = diff.lock_step(ours, Spoilt(theirs, cycle, change), 200)
    assert found is not None
    assert (found.cycle, found.first.component, found.first.field) == (cycle, component, field)
    assert found.first.ours != found.first.theirs
    assert len(found.fields) == 1


def spoil_reference_pointer(run: Any) -> None:
    run.mesh.routers[7].vc_pointer[2] ^= 1


def age_a_front(run: Any) -> None:
    """The flit at the front of the fullest input channel came a cycle earlier."""
    state(run, "SINCE")[state(run, "LENGTH").argmax()] -= 1


def lose_a_flit(run: Any) -> None:
    """Take the last flit of the fullest input channel of the reference engine."""
    fifo = max((fifo for router in run.mesh.routers for fifo in router.fifo), key=len)
    assert len(fifo) > 1
    fifo.pop()


@pytest.mark.parametrize(
    ("change", "side", "component", "field"),
    [
        (spoil_reference_pointer, 0, "router (1,1) input west", "vc pointer"),
        (add("VC_POINTER", (7 * 8 + 2) * 2), 1, "router (1,1) input west", "vc pointer"),
        (add("CREDITS", (7 * 8 + 0) * 2 + 1, -1), 1, "router (1,1) output east vc 1", "credits"),
        (age_a_front, 1, None, "cycles at the front"),
        (lose_a_flit, 0, None, "flits"),
    ],
    ids=["pointer of the reference", "pointer", "credit", "front since", "flit"],
)
def test_a_planted_difference_in_traffic_is_found(change, side, component, field):
    router = {"virtual_channels": 2, "routing": "hierarchical_xy", "vc_policy": "crossings"}
    link = {"gateways": {"row": 1, "column": 0}}
    fabric = build_fabric(make_chip(3, 3, chips=(2, 1), flits=2, router=router, link=link))
    traffic = uniform(fabric.n_cores, 0.4, 60, 3)
    pair: list[Any] = [diff.traffic_probe(engine, fabric, traffic) for engine in ("reference", "compiled")]
    pair[side] = Spoilt(pair[side], 33, change)
    found = diff.lock_step(pair[0], pair[1], 200)
    assert found is not None
    assert (found.cycle, found.first.field) == (33, field)
    assert component in (None, found.first.component)


def test_bisection_finds_the_same_cycle():
    def build():
        ours, theirs = program_pair()
        return ours, Spoilt(theirs, 211, add("V", 3))

    ends = [56, 107, 182, 289, 380]
    found = diff.bisect(build, ends, 780)
    assert found == diff.lock_step(*build(), 780)
    assert found is not None
    assert found.cycle == 211
    assert (found.first.component, found.first.field) == ("core 1 neurons", "membrane")
    assert diff.bisect(lambda: tuple(program_pair()), ends, 780) is None


def test_a_run_that_ends_early_differs_in_that():
    ours, theirs = program_pair()
    ours.advance(10**6)
    found = diff.compare_at(10**6, ours, theirs)
    assert found is not None
    assert found.first == FieldDifference("run", "has ended", True, False)


def test_first_difference_of_two_logs():
    ours = [(1, 0, 7), (1, 1, 7), (3, 0, 8), (5, 2, 9), (6, 0, 0)]
    theirs = [(1, 1, 7), (1, 0, 7), (3, 0, 8), (5, 3, 9), (6, 0, 0)]
    found = diff.first_difference(iter(ours), iter(theirs), context=2)
    assert found == diff.LogDifference(5, 3, ((5, 2, 9),), ((5, 3, 9),), ((1, 1, 7), (3, 0, 8)))
    assert diff.first_difference(ours, sorted(ours)) is None
    late = diff.first_difference(ours[:3], ours)
    assert late == diff.LogDifference(5, 3, (), ((5, 2, 9),), ((1, 0, 7), (1, 1, 7), (3, 0, 8)))
    twice = diff.first_difference([(2, 4), (2, 4)], [(2, 4)])
    assert twice == diff.LogDifference(2, 0, ((2, 4),), (), ())
    assert diff.first_difference([], []) is None


def test_differences_in_words():
    def said(field: str, ours: Any, theirs: Any) -> tuple[str, str]:
        return words.texts(FieldDifference("core 1 loop", field, ours, theirs))

    flit = (-1, 4, 2, 37, 12, -1, 0)
    assert said("credits", 4, 3) == ("4", "3")
    assert said("runs", True, False) == ("yes", "no")
    assert said("owner", None, "east vc 0") == ("none", "east vc 0")
    assert said("packet", flit, None)[0] == "flit 0 of host -> core 4, axon 37, step 2, injected in 12"
    assert said("flits", (flit,), ()) == ("flit 0 of host -> core 4, axon 37, step 2, injected in 12", "none")
    assert said("flits on the wire", ((1, flit),), ())[0].endswith("injected in 12, there in 1 cycle")
    assert said("flits on the wire", (((3, flit),), ()), ((), ()))[0].endswith("there in 3 cycles; none")
    number = (0, 1, 0, 0, -1, 9, 1)
    assert said("flits", (number,), ())[0] == "flit 1 of packet 9 core 0 -> core 1, axon 0, step 0"
    assert said("to send", ((3, 4), (5, 6)), ()) == ("(3, 4), (5, 6)", "none")
    assert said("membrane", (0, 1, 2, 3, 4, 5, 6), (0, 1, 9, 3, 4, 5, 7)) == ("[2] 2, and 1 more", "[2] 9, and 1 more")
    assert said("tokens waiting", tuple(range(9)), ()) == ("0, 1, 2, 3, 4, 5 and 3 more", "none")
