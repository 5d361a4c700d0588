"""Shape inference over a flat NIR graph: what each node takes and gives, from the Inputs onward.

Our own, because the ``nir`` package's is wrong for non-square kernels, for groups and for 'same' with a
stride.  Shapes carry no batch and no time dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError
from neurosim.network.nir_file import IDENTITY, NEURON_KINDS, Graph, Node, natural

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Shapes:
    """``into[name]`` and ``out[name]``: the shapes that a node takes and gives."""

    into: dict[str, Shape]
    out: dict[str, Shape]


def infer_shapes(graph: Graph) -> Shapes:
    """The shapes of all nodes that an Input reaches.

    Raises:
        InputError: two neighbours disagree, a parameter does not fit its layer, or a node is out of
            reach of every Input.
    """
    into: dict[str, Shape] = {}
    out: dict[str, Shape] = {}
    queue = [n for n in sorted(graph.nodes, key=natural) if graph.nodes[n].kind == "Input"]
    for name in queue:
        node = graph.nodes[name]
        out[name] = into[name] = integers(graph, node, "shape")
        if min(out[name]) < 1:
            raise _bad(graph, node, "the shape has an empty dimension", "sizes of 1 or more", str(out[name]))
    while queue:
        source = queue.pop(0)
        for target in graph.out_of(source):
            if target in into:
                _agree(graph, source, out[source], target, into[target])
                continue
            into[target] = out[source]
            out[target] = _output_shape(graph, graph.nodes[target], source, out[source])
            queue.append(target)
    for name in sorted(graph.nodes, key=natural):
        if name not in out:
            raise InputError(
                f"{graph.nodes[name]} is not reached from any Input", code="nir-unreachable",
                where=graph.where,
                hint="connect it, or remove it",
            )  # fmt: skip
    return Shapes(into, out)


def integers(graph: Graph, node: Node, key: str, length: int | None = None) -> Shape:
    """Parameter ``key`` as integers; a scalar stands for ``length`` equal ones."""
    array = np.atleast_1d(np.asarray(node.values[key]))
    if array.dtype.kind not in "biuf" or array.ndim != 1 or (array != np.round(array)).any():
        raise _bad(
            graph, node, f"parameter '{key}' is not a list of whole numbers", None, str(node.values[key])
        )
    numbers = tuple(int(v) for v in array)
    if length is not None and len(numbers) == 1:
        numbers = numbers * length
    if length is not None and len(numbers) != length:
        raise _bad(graph, node, f"parameter '{key}' has the wrong length", str(length), str(len(numbers)))
    return numbers


def padding_of(
    graph: Graph, node: Node, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[Shape, Shape]:
    """Padding (before, after) per axis; 'same' puts the odd one after, as torch does."""
    raw = node.values["padding"]
    if not isinstance(raw, str):
        pad = integers(graph, node, "padding", len(kernel))
        if min(pad) < 0:
            raise _bad(graph, node, "negative padding", "0 or more", str(pad))
        return pad, pad
    if raw == "valid":
        return (0,) * len(kernel), (0,) * len(kernel)
    if raw != "same":
        raise _bad(graph, node, "unknown padding", "whole numbers, 'same' or 'valid'", f"'{raw}'")
    if any(s != 1 for s in stride):
        raise _bad(graph, node, "padding 'same' needs stride 1", "stride 1", f"stride {stride}")
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)


def per_neuron(
    graph: Graph, node: Node, key: str, shape: Shape, default: float | None = None
) -> NDArray[np.float64]:
    """Parameter ``key`` as one value per neuron of ``shape`` (flat, C order), or 0-d if all are equal."""
    array = node.array(key, default)
    try:
        full = np.broadcast_to(array.reshape(()) if array.size == 1 else array, shape).reshape(-1)
    except ValueError:
        raise _bad(
            graph, node, f"parameter '{key}' does not fit the layer",
            f"one value, or shape {shape}", f"shape {array.shape}",
        ) from None  # fmt: skip
    if full.size and (full == full[0]).all():
        return np.asarray(full[0], dtype=np.float64)
    return np.ascontiguousarray(full, dtype=np.float64)


def _agree(graph: Graph, source: str, given: Shape, target: str, wanted: Shape) -> None:
    if given != wanted:
        others = [s for s in graph.into(target) if s != source]
        raise InputError(
            f"{graph.nodes[source]} gives shape {given}, but {graph.nodes[target]} takes shape {wanted}",
            code="nir-shape-mismatch", where=graph.where, expected=str(wanted), got=str(given),
            hint=f"'{target}' is also fed by '{others[0]}'" if others else None,
        )  # fmt: skip


def _output_shape(graph: Graph, node: Node, source: str, given: Shape) -> Shape:
    if node.kind in NEURON_KINDS:
        for key in sorted(k for k, v in node.values.items() if not isinstance(v, str)):
            if node.array(key).size > 1 and _mismatch(node.array(key).shape, given):
                raise _mismatched(graph, node, source, given, node.array(key).shape, f"its '{key}'")
        return given
    if node.kind in ("Output", IDENTITY):
        declared = integers(graph, node, "shape") if "shape" in node.values else given
        if declared != given:
            raise _mismatched(graph, node, source, given, declared, "its declared shape")
        return given
    return _LINEAR[node.kind](graph, node, source, given)


def _mismatch(parameter: Shape, layer: Shape) -> bool:
    try:
        return np.broadcast_shapes(parameter, layer) != layer
    except ValueError:
        return True


def _dense(graph: Graph, node: Node, source: str, given: Shape) -> Shape:
    weight = node.array("weight")
    if weight.ndim != 2:
        raise _bad(graph, node, "the weight is not a matrix", "shape (out, in)", f"shape {weight.shape}")
    if given != (weight.shape[1],):
        flat = len(given) > 1 and math.prod(given) == weight.shape[1]
        hint = "a Flatten node is missing (its dimensions count without the batch, from 0)" if flat else None
        raise _mismatched(
            graph, node, source, given, (weight.shape[1],), f"its weight of shape {weight.shape}", hint
        )
    if "bias" in node.values and node.array("bias").shape not in ((weight.shape[0],), (), (1,)):
        raise _bad(
            graph, node, "the bias does not fit", f"shape {(weight.shape[0],)}",
            f"shape {node.array('bias').shape}",
        )  # fmt: skip
    return (weight.shape[0],)


def _scale(graph: Graph, node: Node, source: str, given: Shape) -> Shape:
    if _mismatch(node.array("scale").shape, given) and node.array("scale").size > 1:
        raise _mismatched(graph, node, source, given, node.array("scale").shape, "its 'scale'")
    return given


def _delay(graph: Graph, node: Node, source: str, given: Shape) -> Shape:
    if _mismatch(node.array("delay").shape, given) and node.array("delay").size > 1:
        raise _mismatched(graph, node, source, given, node.array("delay").shape, "its 'delay'")
    return given


def _flatten(graph: Graph, node: Node, source: str, given: Shape) -> Shape:
    if "input_type" in node.values and np.ndim(node.values["input_type"]) == 1:
        declared = integers(graph, node, "input_type")
        if declared != given and min(declared, default=0) > 0:  # sinabs writes zeros: not known
            raise _mismatched(graph, node, source, given, declared, "its declared shape")
    rank = len(given)
    first, last = (int(integers(graph, node, key, 1)[0]) for key in ("start_dim", "end_dim"))
    first, last = (d + rank if d < 0 else d for d in (first, last))
    if not 0 <= first <= last < rank:
        raise _bad(
            graph, node, "start_dim and end_dim do not fit the layer",
            f"within 0..{rank - 1}, without the batch",
            f"start_dim {first}, end_dim {last}",
        )  # fmt: skip
    return (*given[:first], math.prod(given[first : last + 1]), *given[last + 1 :])


def _conv(graph: Graph, node: Node, source: str, given: Shape) -> Shape:
    rank = 1 if node.kind == "Conv1d" else 2
    weight = node.array("weight")
    groups = integers(graph, node, "groups", 1)[0]
    if weight.ndim != rank + 2:
        raise _bad(
            graph, node, "the weight has the wrong rank", f"{rank + 2} dimensions", f"shape {weight.shape}"
        )
    if groups < 1 or weight.shape[0] % groups:
        raise _bad(
            graph, node, "groups do not divide the output channels", f"a divisor of {weight.shape[0]}",
            str(groups),
        )  # fmt: skip
    if len(given) != rank + 1 or given[0] != weight.shape[1] * groups:
        wanted = (weight.shape[1] * groups, *("any",) * rank)
        text = f"({', '.join(str(w) for w in wanted)})"
        raise InputError(
            f"{graph.nodes[source]} gives shape {given}, but {node} takes shape {text}",
            code="nir-shape-mismatch",
            where=graph.where, expected=text, got=str(given),
            hint=f"its weight has shape {weight.shape}, groups {groups}",
        )  # fmt: skip
    if "input_shape" in node.values and not isinstance(node.values["input_shape"], str):
        declared = integers(graph, node, "input_shape", rank)
        if declared != given[1:]:
            raise _mismatched(graph, node, source, given, (given[0], *declared), "its 'input_shape'")
    if "bias" in node.values and node.array("bias").shape not in ((weight.shape[0],), (), (1,)):
        raise _bad(
            graph, node, "the bias does not fit", f"shape {(weight.shape[0],)}",
            f"shape {node.array('bias').shape}",
        )  # fmt: skip
    return (weight.shape[0], *_windows(graph, node, given[1:], weight.shape[2:], "dilation"))


def _pool(graph: Graph, node: Node, source: str, given: Shape) -> Shape:
    if len(given) != 3:
        raise InputError(
            f"{graph.nodes[source]} gives shape {given}, but {node} takes shape (channels, height, width)",
            code="nir-shape-mismatch", where=graph.where, expected="3 dimensions", got=str(given),
        )  # fmt: skip
    return (given[0], *_windows(graph, node, given[1:], integers(graph, node, "kernel_size", 2), None))


def _windows(graph: Graph, node: Node, size: Shape, kernel: Shape, dilation_key: str | None) -> Shape:
    rank = len(size)
    stride = integers(graph, node, "stride", rank)
    dilation = integers(graph, node, dilation_key, rank) if dilation_key else (1,) * rank
    if min((*stride, *dilation, *kernel)) < 1:
        raise _bad(
            graph, node, "kernel, stride and dilation must be 1 or more", "1 or more",
            f"{kernel}, {stride}, {dilation}",
        )  # fmt: skip
    before, after = padding_of(graph, node, kernel, stride, dilation)
    out = []
    for axis in range(rank):
        room = size[axis] + before[axis] + after[axis] - dilation[axis] * (kernel[axis] - 1) - 1
        if room < 0:
            raise _bad(
                graph, node, "the kernel is larger than its padded input", None, f"kernel {kernel} on {size}"
            )
        out.append(room // stride[axis] + 1)
    return tuple(out)


def _mismatched(
    graph: Graph, node: Node, source: str, given: Shape, wanted: Shape, because: str, hint: str | None = None
) -> InputError:
    return InputError(
        f"{graph.nodes[source]} gives shape {given}, but {node} takes shape {wanted}",
        code="nir-shape-mismatch",
        where=graph.where, expected=f"{wanted} by {because}", got=str(given), hint=hint,
    )  # fmt: skip


def _bad(graph: Graph, node: Node, what: str, expected: str | None, got: str | None) -> InputError:
    return InputError(
        f"{node}: {what}", code="nir-bad-parameter", where=graph.where, expected=expected, got=got
    )


_LINEAR: dict[str, Callable[[Graph, Node, str, Shape], Shape]] = {
    "Affine": _dense,
    "Linear": _dense,
    "Scale": _scale,
    "Delay": _delay,
    "Flatten": _flatten,
    "Conv1d": _conv,
    "Conv2d": _conv,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
}
