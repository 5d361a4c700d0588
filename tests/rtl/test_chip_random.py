"""Random programs on random chips: the Verilog and the reference engine tell the same story, to the cycle."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings

from mapper import compile_network
from neurosim.engines.base import RunOptions
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import DoesNotFitError
from neurosim.rtl.chip_log import expected_counts, expected_events, first_difference
from rtl_models.chip import run_chip
from tests.rtl.chip_cases import chip_cases
from tests.rtl.needs import needs

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]  # shrinking would take an hour
NORMAL = settings(max_examples=4, deadline=None, suppress_health_check=CHECKS, phases=PHASES, derandomize=True)
SLOW = settings(max_examples=50, deadline=None, suppress_health_check=CHECKS, phases=PHASES)


def compare(case):
    network, chip, options, workload = case
    try:
        program = compile_network(network, chip, options).program
    except DoesNotFitError:
        assume(False)
    result = ReferenceEngine().run(program, workload, RunOptions(log_packets=True))
    assume(result.verdict.status == "ok")
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
    compare(case)


@NORMAL
@given(case=chip_cases("tick"))
def test_random_programs_with_short_ticks(case):
    needs("iverilog")
    compare(case)


@pytest.mark.slow
@SLOW
@given(case=chip_cases())
def test_fifty_random_programs(case):
    needs("iverilog")
    compare(case)
