"""Integer arithmetic in adapter files: ``axon * 64 + neuron``, ``pack(weight[axon, 0:8], 4)``.

Numbers, names, ``+ - * // % ** << >> & | ^ ~``, comparisons, ``and or not``, ``a if b else c``, tables in
``[]`` with indexes and ranges, and the functions ``pack(values, bits)`` (two's complement, first value in the
lowest bits), ``min``, ``max`` and ``abs``.  Nothing else is evaluated: no attributes, no other calls.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from neurosim.errors import did_you_mean

MOST_BITS = 4096  # of an intermediate result: 2 ** (2 ** 40) must not be tried
Values = Mapping[str, Any]


class ExpressionError(ValueError):
    """Why an expression has no value."""


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod, ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.RShift: operator.rshift,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert, ast.Not: operator.not_,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


def pack(values: Any, bits: int) -> int:
    """``values`` side by side, ``bits`` bits each in two's complement, the first in the lowest bits."""
    mask = (1 << bits) - 1
    return sum((int(value) & mask) << index * bits for index, value in enumerate(np.ravel(values)))


_FUNCTIONS: dict[str, Callable[..., Any]] = {"pack": pack, "min": min, "max": max, "abs": abs}


def evaluate(text: str, values: Values) -> int:
    """The value of ``text`` with these names.

    Raises:
        ExpressionError: it is not an expression of this kind, names something unknown, or is no integer.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError("not an expression") from error
    try:
        value = _eval(tree.body, values)
    except (ZeroDivisionError, IndexError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(str(error)) from error
    if isinstance(value, np.ndarray) or not isinstance(value, (int, np.integer)):
        raise ExpressionError("not a whole number but a table")
    return int(value)


def rows(loop: Mapping[str, str], values: Values) -> Iterator[dict[str, Any]]:
    """All turns of a nested loop, ``values`` with the loop's names; the first name is the slowest."""
    names = list(loop)
    if not names:
        yield dict(values)
        return
    for number in range(evaluate(loop[names[0]], values)):
        yield from rows({name: loop[name] for name in names[1:]}, {**values, names[0]: number})


def _eval(node: ast.expr, values: Values) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return int(node.value)
    if isinstance(node, ast.Name):
        return _name(node.id, values)
    if isinstance(node, ast.BinOp):
        return _binary(node, values)
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_eval(node.operand, values))
    if isinstance(node, ast.BoolOp):
        parts = (_eval(part, values) for part in node.values)
        return int(all(parts) if isinstance(node.op, ast.And) else any(parts))
    if isinstance(node, ast.IfExp):
        return _eval(node.body if _eval(node.test, values) else node.orelse, values)
    if isinstance(node, ast.Compare):
        return _comparison(node, values)
    if isinstance(node, ast.Subscript):
        return _element(node, values)
    if isinstance(node, ast.Call):
        return _call(node, values)
    raise ExpressionError(f"'{ast.unparse(node)}' has no meaning here")


def _name(name: str, values: Values) -> Any:
    if name in values:
        return values[name]
    hint = did_you_mean(name, values) or "known are " + ", ".join(sorted(values))
    raise ExpressionError(f"unknown name '{name}'; {hint}")


def _binary(node: ast.BinOp, values: Values) -> Any:
    left, right = _eval(node.left, values), _eval(node.right, values)
    if isinstance(node.op, ast.LShift | ast.Pow):
        bits = right if isinstance(node.op, ast.LShift) else right * max(1, int(left).bit_length())
        if not 0 <= bits <= MOST_BITS or right < 0:
            raise ExpressionError(f"'{ast.unparse(node)}' is too large")
        return left << right if isinstance(node.op, ast.LShift) else left**right
    if type(node.op) not in _BINARY:
        raise ExpressionError(f"'{ast.unparse(node)}' has no meaning here")
    return _BINARY[type(node.op)](left, right)


def _comparison(node: ast.Compare, values: Values) -> int:
    left, result = _eval(node.left, values), True
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        if type(op) not in _COMPARE:
            raise ExpressionError(f"'{ast.unparse(node)}' has no meaning here")
        right = _eval(comparator, values)
        result = result and bool(_COMPARE[type(op)](left, right))
        left = right
    return int(result)


def _element(node: ast.Subscript, values: Values) -> Any:
    table = _eval(node.value, values)
    if not isinstance(table, np.ndarray):
        raise ExpressionError(f"'{ast.unparse(node.value)}' is a number, not a table")
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    found = table[tuple(_index(part, values) for part in parts)]
    return found if isinstance(found, np.ndarray) else int(found)


def _index(node: ast.expr, values: Values) -> Any:
    if isinstance(node, ast.Slice):
        ends = [None if end is None else _eval(end, values) for end in (node.lower, node.upper)]
        return slice(*ends)
    index = _eval(node, values)
    if index < 0:
        raise ExpressionError(f"index {index} is negative")
    return index


def _call(node: ast.Call, values: Values) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _FUNCTIONS or node.keywords:
        known = ", ".join(sorted(_FUNCTIONS))
        raise ExpressionError(f"'{ast.unparse(node.func)}' is no function here; known are {known}")
    return _FUNCTIONS[name](*(_eval(argument, values) for argument in node.args))
