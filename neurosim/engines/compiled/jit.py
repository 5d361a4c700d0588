"""The shared rules compiled: the very function bodies of ``neurosim/rules``, through Numba."""

from __future__ import annotations

from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

import neurosim.rules
from neurosim.jit import use_cache
from neurosim.rules import arbiter, arith, neuron, ports, routing, synapse, sync

use_cache(Path(neurosim.rules.__file__).parent, Path(__file__).parent)  # before anything is decorated

entry = numba.njit(cache=True, _nrt=False)
"""A kernel that Python calls.  It allocates nothing: counting references would take most of its time."""

_INSIDE = {"cache": True, "_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

inner = numba.njit(**_INSIDE)
"""A function that only kernels call; without the wrappers for Python a third less is compiled."""

inlined = numba.njit(**_INSIDE, forceinline=True)
"""The same, put into its caller: a call would copy a hundred values, every part of every array and tuple."""


def compile_rules() -> SimpleNamespace:
    """Every rule function as a Numba dispatcher, under its own name."""
    compiled: dict[str, Any] = {}
    for module in (arith, ports, arbiter, routing, synapse, sync, neuron):
        names = {**vars(module), **compiled}
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, FunctionType) and value.__module__ == module.__name__
        ]
        for function in own:
            twin = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
            twin.__module__ = module.__name__
            names[function.__name__] = compiled[function.__name__] = inner(twin)
    return SimpleNamespace(**compiled)


RULES = compile_rules()


@intrinsic
def lowest_set(typing_context: Any, mask: Any) -> Any:
    """Number of the lowest bit set in a 64-bit ``mask`` (which is not 0), in one instruction."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, 1))

    return types.int64(types.int64), code


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Have the cache line of ``array[index]`` fetched; changes nothing, and any index will do."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        at = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [at.type, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [at, flag(0), flag(3), flag(1)])  # to read, keep in all caches, data
        return context.get_dummy_value()

    return types.none(array, types.int64), code
