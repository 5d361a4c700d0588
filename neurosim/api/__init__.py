"""The public functions, one per command: they read, compute, write whole outputs, and never print.

Each is in a module of its own and is loaded when it is first used, so that importing this package costs
nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.api.chips import list_chips, show_chip

_HOMES = {
    "list_chips": "chips",
    "show_chip": "chips",
}
__all__ = ["list_chips", "show_chip"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'neurosim.api' has no attribute '{name}'")
    return getattr(importlib.import_module(f"neurosim.api.{_HOMES[name]}"), name)
