"""Random programs on random chips: the Verilog and the reference engine tell the same story, to the cycle."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings

from neurosim.engines.base import RunOptions
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.rtl.chip_log import expected_counts, expected_events, first_difference
from rtl_models.chip import run_chip
from tests.rtl.chip_cases import chip_cases, compiled, tree_cases
from tests.rtl.needs import needs

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]  # shrinking would take an hour
NORMAL = settings(max_examples=4, deadline=None, suppress_health_check=CHECKS, phases=PHASES, derandomize=True)
FEW = settings(NORMAL, max_examples=1)
MANY = 50
SLOW = settings(max_examples=MANY, deadline=None, suppress_health_check=CHECKS, phases=PHASES, derandomize=True)
MOST_CORE_CYCLES = 60_000  # cores times cycles of one program: more take minutes on Icarus
BUDGET_S = 3600.0  # of the fifty, after which the test fails with what it has


@dataclass
class Tally:
    """What the fifty programs have come to; says so on the terminal as it goes."""

    capture: pytest.FixtureRequest
    start: float = field(default_factory=time.monotonic)
    n_equal: int = 0

    def add(self) -> None:
        self.n_equal += 1
        spent = time.monotonic() - self.start
        left = spent / self.n_equal * (MANY - self.n_equal)
        with self.capture.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"{self.n_equal} of {MANY} random programs equal, {spent:.0f} s, about {left:.0f} s left", flush=True)

    def check(self) -> None:
        if time.monotonic() - self.start > BUDGET_S:
            pytest.fail(f"only {self.n_equal} of {MANY} programs in {BUDGET_S:.0f} s; all of them equal", pytrace=False)


def mapped(case):
    network, chip, options, workload = case
    return compiled(network, chip, options), chip, workload


def compare(program, chip, workload):
    result = ReferenceEngine().run(program, workload, RunOptions(log_packets=True))
    assume(result.verdict.status == "ok")
    n_cores = chip.n_chips * chip.mesh.width * chip.mesh.height * chip.mesh.cores_per_tile
    assume(n_cores * int(result.step_end.max(axis=1).sum()) <= MOST_CORE_CYCLES)
    got = run_chip(program, workload, "icarus", limit_cycles=2 * int(result.step_end.max()) + 1000)
    difference = first_difference(expected_events(result, program, chip), got)
    assert difference is None, str(difference)
    totals = {name: sum(sample.counts[name] for sample in got) for name in got[0].counts}
    assert totals == expected_counts(result)
    event(f"{chip.sync.mode}, {chip.n_chips} chips, {'missed deadlines' if len(result.missed) else 'in time'}")


@NORMAL
@given(case=chip_cases())
def test_random_programs(case):
    needs("iverilog")
    compare(*mapped(case))


@NORMAL
@given(case=chip_cases("tick"))
def test_random_programs_with_short_ticks(case):
    needs("iverilog")
    compare(*mapped(case))


@FEW
@given(case=tree_cases())
def test_random_programs_with_trees(case):
    needs("iverilog")
    compare(*case)


@pytest.mark.slow
@settings(FEW, max_examples=25)
@given(case=tree_cases())
def test_many_random_programs_with_trees(case):
    needs("iverilog")
    compare(*case)


@pytest.fixture(scope="module")
def tally(request):
    return Tally(request)


@pytest.mark.slow
@SLOW
@given(case=chip_cases())
def test_fifty_random_programs(tally, case):
    needs("iverilog")
    tally.check()
    compare(*mapped(case))
    tally.add()
