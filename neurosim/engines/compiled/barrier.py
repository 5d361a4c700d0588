"""A place where compiled threads wait for each other, without the interpreter.

A thread that comes to the barrier adds one to a counter that all share and looks at it until all have
come.  It looks for some microseconds and then offers its processor to others at every look: where
threads have a processor each, the wait costs less than a microsecond, and where they do not it costs no
more than it must.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from neurosim.engines.compiled.jit import inner

Array = Any
PATIENCE = 20_000  # looks at the counter, of about a nanosecond each, before the processor is offered

_give_way = types.ExternalFunction("sched_yield", types.int32())


@intrinsic
def _add(typing_context: Any, array: Any, value: Any) -> Any:
    """Add ``value`` to ``array[0]`` in one step that no other thread can divide; returns the old value."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", place, arguments[1], "seq_cst")

    return types.int64(array, types.int64), code


@intrinsic
def _look(typing_context: Any, array: Any) -> Any:
    """``array[0]`` as the other threads left it, with all that they wrote before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(place, "seq_cst", 8)

    return types.int64(array), code


@inner
def meet(barrier: Array, n_threads: int, time: int) -> None:
    """Wait until all of ``n_threads`` have come here for the ``time``-th time since ``barrier[0]`` was 0.

    What a thread wrote before it came is seen by all after it.
    """
    _add(barrier, 1)
    looks = 0
    while _look(barrier) < time * n_threads:
        looks += 1
        if looks > PATIENCE:
            _give_way()
