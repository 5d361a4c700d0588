"""Reads a NIR file (HDF5) into a flat graph of plain nodes, without the ``nir`` package's type checks.

Those checks refuse good files (groups, scalar parameters) and pass bad ones, so the file is read as it
lies and everything is checked here and in :mod:`neurosim.network.nir_shapes`.  Subgraphs are flattened:
node ``b`` of subgraph ``a`` is called ``a.b``.  Format: https://neuroir.org, file versions 0.1 to 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError, did_you_mean

SIGNATURE = b"\x89HDF\r\n\x1a\n"
IDENTITY = "(identity)"  # the Input and Output nodes of a subgraph
INPUT_KINDS = ("Input",)
NEURON_KINDS = ("CubaLI", "CubaLIF", "I", "IF", "LI", "LIF", "Threshold")
LINEAR_KINDS = (
    "Affine", "AvgPool2d", "Conv1d", "Conv2d", "Delay", "Flatten", "Linear", "Scale", "SumPool2d", IDENTITY,
)  # fmt: skip

_CONV = ("weight", "stride", "padding", "dilation", "groups")
_REQUIRED: dict[str, tuple[str, ...]] = {
    "Affine": ("weight", "bias"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Conv1d": _CONV,
    "Conv2d": _CONV,
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
    "Delay": ("delay",),
    "Flatten": ("start_dim", "end_dim"),
    "I": ("r",),
    "IF": ("r", "v_threshold"),
    "Input": ("shape",),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "Linear": ("weight",),
    "Output": (),
    "Scale": ("scale",),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "Threshold": ("threshold",),
}
SUPPORTED = tuple(sorted((*_REQUIRED, "NIRGraph")))

Value = NDArray[Any] | str


@dataclass(frozen=True)
class Node:
    """One node: its full dotted name, its NIR type and its parameters as stored."""

    name: str
    kind: str
    values: Mapping[str, Value]

    def array(self, key: str, default: float | None = None) -> NDArray[np.float64]:
        """Parameter ``key`` as float64 (``default`` where the file leaves it out)."""
        if key not in self.values and default is not None:
            return np.asarray(default, dtype=np.float64)
        return np.asarray(self.values[key], dtype=np.float64)

    def __str__(self) -> str:
        return f"node '{self.name}' ({self.kind})"


@dataclass(frozen=True)
class Graph:
    """A flat NIR graph; ``edges`` are (source, target) names, sorted."""

    where: str
    nodes: dict[str, Node]
    edges: tuple[tuple[str, str], ...]

    def into(self, name: str) -> list[str]:
        """Names of the nodes that feed ``name``."""
        return [a for a, b in self.edges if b == name]

    def out_of(self, name: str) -> list[str]:
        """Names of the nodes that ``name`` feeds."""
        return [b for a, b in self.edges if a == name]


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which ``2`` comes before ``10``."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p)


def read_graph(path: Path) -> Graph:
    """The flat graph in the NIR file ``path``.

    Raises:
        InputError: no such file, not HDF5, damaged, not NIR, an unknown node type, a missing or
            non-finite parameter, an edge to a node that does not exist, an edge given twice.
    """
    import h5py

    if not path.is_file():
        raise InputError("no such file", code="file-missing", where=str(path))
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise InputError(
                "not an HDF5 file", code="nir-not-hdf5", where=str(path),
                expected="a NIR graph as written by nir.write", hint="check the path",
            )  # fmt: skip
    try:
        with h5py.File(path, "r") as stored:
            if not isinstance(stored.get("node"), h5py.Group):
                raise InputError(
                    "an HDF5 file, but not a NIR graph", code="nir-not-nir", where=str(path),
                    expected="a group 'node' with 'nodes' and 'edges'",
                    got=f"{', '.join(sorted(stored)) or 'nothing'} at the top",
                )  # fmt: skip
            return _Reader(str(path)).graph(stored["node"])
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise InputError(
            "damaged or truncated HDF5 file", code="nir-damaged", where=str(path),
            hint="export or copy it again",
        ) from error  # fmt: skip


class _Reader:
    """Walks the groups of one file; ``ports`` maps a subgraph's name to its inputs and outputs."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.nodes: dict[str, Node] = {}
        self.ports: dict[str, tuple[list[str], list[str]]] = {}
        self.pending: list[tuple[str, str, str]] = []

    def graph(self, top: Any) -> Graph:
        self._collect(top, "")
        edges: list[tuple[str, str]] = []
        for prefix, source, target in self.pending:
            edge = (self._end(source, prefix, 1, target), self._end(target, prefix, 0, source))
            if edge in edges:
                raise InputError(
                    f"the edge '{edge[0]}' -> '{edge[1]}' is there twice",
                    code="nir-double-edge", where=self.where,
                    hint="a doubled input is a Scale of 2; otherwise remove one of the edges",
                )  # fmt: skip
            edges.append(edge)
        edges.sort(key=lambda edge: (natural(edge[0]), natural(edge[1])))
        return Graph(self.where, self.nodes, tuple(edges))

    def _collect(self, group: Any, prefix: str) -> None:
        for key in ("nodes", "edges"):
            if key not in group:
                raise InputError(
                    f"graph '{prefix[:-1] or '(top)'}' has no '{key}'", code="nir-not-nir", where=self.where
                )
        ports: tuple[list[str], list[str]] = ([], [])
        for key in sorted(group["nodes"], key=natural):
            name, item = prefix + key, group["nodes"][key]
            if name in self.nodes or name in self.ports:
                raise InputError(
                    f"two nodes are called '{name}'", code="nir-duplicate-name", where=self.where,
                    hint="node 'b' of subgraph 'a' is called 'a.b'; rename one of them",
                )  # fmt: skip
            kind = _text(item["type"][()]) if "type" in item else "(none)"
            if kind == "NIRGraph":
                self.ports[name] = ([], [])
                self._collect(item, name + ".")
                continue
            node = self._node(name, kind, item, bool(prefix))
            self.nodes[name] = node
            if kind == "Input":
                ports[0].append(name)
            if kind == "Output":
                ports[1].append(name)
        if prefix:
            self.ports[prefix[:-1]] = ports
        for source, target in _edges(group["edges"][()]):
            self.pending.append((prefix, source, target))

    def _node(self, name: str, kind: str, item: Any, nested: bool) -> Node:
        if kind not in _REQUIRED:
            raise InputError(
                f"node '{name}' has the unsupported type '{kind}'", code="nir-unknown-type", where=self.where,
                expected="one of " + ", ".join(SUPPORTED), hint=did_you_mean(kind, SUPPORTED),
            )  # fmt: skip
        keys = [key for key in sorted(item) if key != "type" and hasattr(item[key], "dtype")]
        values = {key: self._value(name, kind, key, item[key]) for key in keys}
        for key in _REQUIRED[kind]:
            if key not in values:
                raise InputError(
                    f"node '{name}' ({kind}) lacks the parameter '{key}'",
                    code="nir-missing-parameter", where=self.where, expected=", ".join(_REQUIRED[kind]),
                    got=", ".join(sorted(values)) or "no parameters",
                )  # fmt: skip
        return Node(name, IDENTITY if nested and kind in ("Input", "Output") else kind, values)

    def _value(self, name: str, kind: str, key: str, data: Any) -> Value:
        raw = data[()]
        if isinstance(raw, (bytes, str)):
            return _text(raw)
        array = np.asarray(raw)
        if array.dtype.kind not in "biuf":
            return str(raw)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).sum())
            raise InputError(
                f"node '{name}' ({kind}) has NaN or infinite values in '{key}'",
                code="nir-not-finite", where=self.where, expected="finite numbers",
                got=f"{bad} of {array.size} values are not finite",
            )  # fmt: skip
        return array

    def _end(self, name: str, prefix: str, side: int, other: str) -> str:
        """The flat node that an edge's end means; ``side`` 0: where it enters, 1: where it leaves."""
        for full in (prefix + name, name):
            if full in self.ports:
                ports = self.ports[full][side]
                if len(ports) != 1:
                    word = ("Input", "Output")[side]
                    raise InputError(
                        f"subgraph '{full}' has {len(ports)} {word} nodes, so an edge at it is unclear",
                        code="nir-subgraph-ports", where=self.where, expected=f"exactly one {word}",
                    )  # fmt: skip
                return ports[0]
            if full in self.nodes:
                return full
        known = [*self.nodes, *self.ports]
        edge = f"'{name}' -> '{other}'" if side else f"'{other}' -> '{name}'"
        raise InputError(
            f"edge {edge}: there is no node '{name}'", code="nir-dangling-edge", where=self.where,
            expected="one of " + ", ".join(sorted(known, key=natural)), hint=did_you_mean(name, known),
        )  # fmt: skip


def _text(raw: Any) -> str:
    return raw.decode("utf8") if isinstance(raw, bytes) else str(raw)


def _edges(raw: Any) -> Iterator[tuple[str, str]]:
    rows = np.asarray(raw)
    if rows.size:
        for row in rows.reshape(-1, 2):
            yield _text(row[0]), _text(row[1])
