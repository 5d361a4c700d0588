"""Checks a stranger's core or router against the simulator's rules or a model of the user's.

``adapter.py`` says what an adapter file can hold, ``docs/verify_your_core.md`` leads through one.  Flow:
``loading`` (the file) -> ``elaborate`` and ``checks`` (the design behind it) -> ``stimuli``, ``plan`` ->
``simulate`` (``bench``, ``protocols``, ``configure`` inside the simulator) -> ``compare`` (with ``models``,
``core_model``, ``router_model``) -> ``verify`` (the table).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtl_models.verdicts import Progress, VerifyTable

JOB = "NEUROSIM_DUT_JOB"
"""Environment variable that tells the bench its job."""


def verify_dut(
    adapter: Path, suite: str = "quick", out: Path | None = None, seed: int = 0,
    progress: Progress | None = None, time_limit_s: float | None = None,
) -> VerifyTable:  # fmt: skip
    """Check the design that ``adapter`` describes; see :func:`rtl_models.dut.verify.verify`."""
    from rtl_models.dut.verify import verify  # here: the bench imports this package too, inside the simulator

    return verify(adapter, suite, out, seed, progress, time_limit_s)
