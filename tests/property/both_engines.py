"""What tests of two engines share: run both, and run a check on drawn cases of every kind, few and many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from tests.property.cases import KINDS

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
NIGHTLY = settings(max_examples=340, deadline=None, suppress_health_check=CHECKS)


def by_both(run: Callable[[Any], Any]) -> tuple[Any, Any]:
    """``run(engine)`` for the reference engine and the compiled one."""
    return run(ReferenceEngine()), run(CompiledEngine())


def over_kinds(check: Callable[[Any], None], cases: Callable[[str], Any], normal: int, nightly: int) -> Any:
    """Two tests that ``check`` cases of every kind: ``normal`` many of each, and, marked slow, ``nightly``."""

    def test(examples: int) -> Any:
        @pytest.mark.parametrize("kind", KINDS)
        @settings(max_examples=examples, deadline=None, suppress_health_check=CHECKS)
        @given(data=st.data())
        def run(kind: str, data: Any) -> None:
            check(data.draw(cases(kind)))

        return run

    return test(normal), pytest.mark.slow(test(nightly))
