"""Where compiled kernels are kept: on disk, in a folder named after the sources that go into them.

Numba looks at the one file a function stands in; a kernel here is made of functions from several files
(the shared rules above all), so a changed rule could otherwise meet a stale kernel.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def use_cache(*folders: Path) -> None:
    """Before kernels are defined: keep them under the digest of every ``.py`` file in ``folders``.

    Does nothing if the user chose a folder by ``NUMBA_CACHE_DIR``.
    """
    import numba

    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    sha = hashlib.sha256(numba.__version__.encode())
    for folder in folders:
        for source in sorted(folder.glob("*.py")):
            sha.update(source.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    numba.config.CACHE_DIR = str(Path(base) / "neurosim" / sha.hexdigest()[:16])
