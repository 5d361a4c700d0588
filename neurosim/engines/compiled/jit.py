"""The shared rules compiled: the very function bodies of ``neurosim/rules``, through Numba.

Compiled code is kept on disk in a folder named after the digest of every source file that goes into
it, so a changed rule can never meet a stale kernel.
"""

from __future__ import annotations

import hashlib
import os
import types
from pathlib import Path
from typing import Any

import numba

import neurosim.rules
from neurosim.rules import arbiter, arith, neuron, ports, routing, synapse, sync


def _cache_folder() -> Path:
    sources = sorted(Path(neurosim.rules.__file__).parent.glob("*.py"))
    sources += sorted(Path(__file__).parent.glob("*.py"))
    sha = hashlib.sha256(numba.__version__.encode())
    for source in sources:
        sha.update(source.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "neurosim" / sha.hexdigest()[:16]


def use_cache() -> None:
    """Point Numba's disk cache at this version's folder, unless the user chose one."""
    if not os.environ.get("NUMBA_CACHE_DIR"):
        numba.config.CACHE_DIR = str(_cache_folder())


def compile_rules() -> types.SimpleNamespace:
    """Every rule function as a Numba dispatcher, under its own name."""
    use_cache()
    compiled: dict[str, Any] = {}
    for module in (arith, ports, arbiter, routing, synapse, sync, neuron):
        names = {**vars(module), **compiled}
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, types.FunctionType) and value.__module__ == module.__name__
        ]
        for function in own:
            twin = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__)
            twin.__module__ = module.__name__
            names[function.__name__] = compiled[function.__name__] = numba.njit(cache=True, _nrt=False)(twin)
    return types.SimpleNamespace(**compiled)


RULES = compile_rules()
