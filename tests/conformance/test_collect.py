"""What the collector does with a sample's counts does not depend on how much of it is done at once."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.store import digest
from tests.helpers.chips import make_chip
from tests.helpers.programs import chain, workload


@pytest.mark.parametrize("engine", [ReferenceEngine(), CompiledEngine()], ids=lambda engine: engine.name)
def test_spikes_are_sorted_in_parts(engine, monkeypatch):
    program = chain(make_chip(2, 2), [0, 3, 1], n=5)
    load = workload(np.ones((2, 4, 5)))
    whole = engine.run(program, load, RunOptions())
    assert sum(len(spikes.sample) for spikes in whole.spikes) > 20
    assert whole.output_counts.any()
    for at_once in (1, 7):
        monkeypatch.setattr("neurosim.engines.collect.SPIKES_AT_ONCE", at_once)
        assert digest(engine.run(program, load, RunOptions())) == digest(whole)
