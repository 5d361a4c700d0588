"""The mapping compiler: puts a quantised network onto a chip and proves what it can about it.

``compile_network(network, chip, options) -> Mapping``; everything heavy is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mapper.compile import Mapping, compile_network
    from mapper.infeasible import Infeasibility, InfeasibleError
    from mapper.options import MapOptions

__all__ = ["Infeasibility", "InfeasibleError", "MapOptions", "Mapping", "compile_network"]

_HOMES = {
    "Mapping": "mapper.compile",
    "compile_network": "mapper.compile",
    "MapOptions": "mapper.options",
    "Infeasibility": "mapper.infeasible",
    "InfeasibleError": "mapper.infeasible",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mapper' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
