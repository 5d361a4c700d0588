"""Tools that a test needs: without them it is skipped with the reason, in continuous integration it fails."""

from __future__ import annotations

import os

import pytest

from rtl_models import toolchain


def needs(*tools: str) -> None:
    """Call at the start of a test (or of a module, with ``allow_module_level``)."""
    reason = toolchain.missing(*tools)
    if reason and os.environ.get("CI"):
        pytest.fail(f"{reason}; in continuous integration (CI is set) this is a failure", pytrace=False)
    if reason:
        pytest.skip(reason, allow_module_level=True)
