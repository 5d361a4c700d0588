"""The shared rules compiled: the very function bodies of ``neurosim/rules``, through Numba."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numba

import neurosim.rules
from neurosim.jit import use_cache
from neurosim.rules import arbiter, arith, neuron, ports, routing, synapse, sync


def compile_rules() -> types.SimpleNamespace:
    """Every rule function as a Numba dispatcher, under its own name."""
    use_cache(Path(neurosim.rules.__file__).parent, Path(__file__).parent)
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
