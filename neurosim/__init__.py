"""neurosim: cycle-level simulator of neuromorphic hardware with a mapping compiler.

The functions of :mod:`neurosim.api`, one per command, can be imported from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from neurosim.api import (
        bench,
        check,
        demo,
        diff,
        export_run,
        import_network,
        list_chips,
        map_network,
        report_run,
        resume_run,
        run_mapping,
        show_chip,
        verify,
    )
    from neurosim.doctor import diagnose
    from neurosim.errors import NeurosimError

__all__ = [
    "NeurosimError", "__version__", "bench", "check", "demo", "diagnose", "diff", "export_run",
    "import_network", "list_chips", "map_network", "report_run", "resume_run", "run_mapping", "show_chip",
    "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Everything public is loaded when it is first used: ``import neurosim`` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'neurosim' has no attribute '{name}'")
    import importlib

    home = {"NeurosimError": "neurosim.errors", "diagnose": "neurosim.doctor"}.get(name, "neurosim.api")
    return getattr(importlib.import_module(home), name)
