"""Turns the linear nodes of a NIR graph into operations, and follows chains of them to a population.

Reads the flat graph and its shapes; writes, for each neuron population, the composed chains that end in
it and the constant input that the biases on the way add up to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError
from neurosim.network.compose import Chain, Inexact, Operation, extend, finish
from neurosim.network.connections import Connection, Conv, Dense, Diagonal, Pool
from neurosim.network.model import as_chw
from neurosim.network.nir_file import IDENTITY, LINEAR_KINDS, Graph, Node
from neurosim.network.nir_shapes import Shape, Shapes, integers, padding_of, per_neuron

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Path:
    """A chain of linear nodes from population node ``source``; ``delay`` is in the file's unit of time."""

    source: str
    nodes: tuple[str, ...]
    pool: Pool | None
    connection: Connection
    delay: float


class LinearPart:
    """The linear nodes of one graph."""

    def __init__(self, graph: Graph, shapes: Shapes) -> None:
        self.graph = graph
        self.shapes = shapes
        linear = [n for n, node in graph.nodes.items() if node.kind in LINEAR_KINDS]
        self._operations = {name: self._operation(graph.nodes[name]) for name in linear}
        self._constants: dict[str, Array | None] = {}
        self._refuse_cycles(linear)

    def paths_into(self, target: str) -> list[Path]:
        """All chains from a population to the population node ``target``.

        Raises:
            InputError: a chain cannot be one exact projection.
        """
        return [self._fold(chain) for chain in self._chains(target)]

    def bias_of(self, target: str) -> Array:
        """The constant input of population node ``target``: one per neuron, or 0-d."""
        total = self._sum_of_constants(target)
        if total is None:
            return np.zeros(())
        return np.asarray(total[0]) if (total == total[0]).all() else total

    def _chains(self, node: str) -> list[tuple[str, ...]]:
        """Name sequences (population, linear nodes...) that feed ``node``, the latter left out."""
        found: list[tuple[str, ...]] = []
        for source in self.graph.into(node):
            if source in self._operations:
                found += [(*chain, source) for chain in self._chains(source)]
            else:
                found.append((source,))
        return found

    def _fold(self, names: tuple[str, ...]) -> Path:
        chain, delay = Chain(), 0.0
        for position, name in enumerate(names[1:], 1):
            node = self.graph.nodes[name]
            if node.kind == "Delay":
                delay += self._delay(node)
            try:
                chain = extend(chain, self._operations[name])
            except Inexact as why:
                before = self.graph.nodes[names[position - 1]]
                raise InputError(
                    f"{before} and {node} cannot be merged into one projection: {why}",
                    code="nir-cannot-merge", where=self.graph.where,
                    expected="linear nodes in a row that make one pooling and one dense, convolutional or "
                    "one-to-one connection", hint="put a neuron node between them",
                ) from None  # fmt: skip
        pool, connection = finish(chain, math.prod(self.shapes.out[names[0]]))
        return Path(names[0], names[1:], pool, connection, delay)

    def _delay(self, node: Node) -> float:
        value = per_neuron(self.graph, node, "delay", self.shapes.into[node.name])
        if value.ndim or value < 0:
            raise InputError(
                f"{node} has {'different delays' if value.ndim else 'a negative delay'}",
                code="nir-bad-delay",
                where=self.graph.where, expected="one delay of 0 or more for the whole layer",
            )  # fmt: skip
        return float(value)

    def _operation(self, node: Node) -> Operation:
        into, out = self.shapes.into[node.name], self.shapes.out[node.name]
        if node.kind in ("Affine", "Linear"):
            return Operation(node.name, Dense(node.array("weight")))
        if node.kind == "Scale":
            scale = per_neuron(self.graph, node, "scale", into)
            return Operation(node.name, Diagonal(np.array(np.broadcast_to(scale, (math.prod(into),)))))
        if node.kind in ("Conv1d", "Conv2d"):
            return Operation(node.name, self._conv(node, into, out))
        if node.kind in ("SumPool2d", "AvgPool2d"):
            return Operation(node.name, self._pool(node, into, out), is_pool=True)
        return Operation(node.name, None)

    def _conv(self, node: Node, into: Shape, out: Shape) -> Conv:
        rank = len(into) - 1
        weight = node.array("weight")
        stride = integers(self.graph, node, "stride", rank)
        dilation = integers(self.graph, node, "dilation", rank)
        before, _ = padding_of(self.graph, node, weight.shape[2:], stride, dilation)
        kernel = weight.reshape(*weight.shape[:2], *((1,) if rank == 1 else ()), *weight.shape[2:])
        return Conv(
            weight=kernel,
            in_shape=as_chw(into),
            out_shape=as_chw(out),
            stride=_pair(stride, 1),
            padding=_pair(before, 0),
            dilation=_pair(dilation, 1),
            groups=integers(self.graph, node, "groups", 1)[0],
        )

    def _pool(self, node: Node, into: Shape, out: Shape) -> Conv:
        kernel = integers(self.graph, node, "kernel_size", 2)
        stride = integers(self.graph, node, "stride", 2)
        before, _ = padding_of(self.graph, node, kernel, stride, (1, 1))
        # An average counts the padding as zeros, as torch.nn.AvgPool2d does by default.
        value = 1.0 / math.prod(kernel) if node.kind == "AvgPool2d" else 1.0
        weight = np.full((into[0], 1, *kernel), value)
        return Conv(weight, as_chw(into), as_chw(out), _pair(stride, 1), _pair(before, 0), (1, 1), into[0])

    def _sum_of_constants(self, node: str) -> Array | None:
        """What the biases above ``node`` add to its input in every step; None for nothing at all."""
        total: Array | None = None
        for source in self.graph.into(node):
            value = self._constant(source)
            if value is not None:
                total = value if total is None else total + value
        return total

    def _constant(self, name: str) -> Array | None:
        if name not in self._operations:
            return None
        if name not in self._constants:
            self._constants[name] = self._constant_of(name)
        return self._constants[name]

    def _constant_of(self, name: str) -> Array | None:
        node, value = self.graph.nodes[name], self._sum_of_constants(name)
        if node.kind == "Delay" and value is not None and value.any() and self._delay(node) > 0:
            raise InputError(
                f"{node} delays a bias, which would set in late", code="nir-delayed-bias",
                where=self.graph.where,
                hint="put the Delay before the node that has the bias",
            )  # fmt: skip
        connection = self._operations[name].connection
        if value is not None and connection is not None:
            value = np.asarray(connection.apply(value[None])[0])
        if node.kind not in ("Affine", "Conv1d", "Conv2d") or "bias" not in node.values:
            return value
        out = as_chw(self.shapes.out[name])
        bias = np.broadcast_to(node.array("bias"), out[:1])
        own = np.repeat(bias, out[1] * out[2])
        return own if value is None else value + own

    def _refuse_cycles(self, linear: list[str]) -> None:
        left = set(linear)
        while left:
            free = {n for n in left if not left.intersection(self.graph.into(n))}
            if not free:
                raise InputError(
                    f"a loop without any neuron in it, through {self.graph.nodes[min(left)]}",
                    code="nir-linear-loop", where=self.graph.where,
                    expected="at least one neuron node in every loop",
                )  # fmt: skip
            left -= free


def is_identity(node: Node) -> bool:
    """Whether a node only renames its input (it may give it another shape)."""
    return node.kind in ("Flatten", IDENTITY)


def _pair(values: Shape, missing: int) -> tuple[int, int]:
    """(vertical, horizontal); one-dimensional layers lie along the horizontal."""
    return (missing, values[0]) if len(values) == 1 else (values[0], values[1])
