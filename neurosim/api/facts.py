"""What the manifests of mappings and demos record of the software, in the words of a run's manifest."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from neurosim import __version__


def software() -> dict[str, Any]:
    """Versions of this program, Python and the packages that compute."""
    from neurosim.report.manifest import PACKAGES

    packages = {name: metadata.version(name) for name in PACKAGES}
    return {"neurosim": __version__, "python": platform.python_version(), "packages": packages}
