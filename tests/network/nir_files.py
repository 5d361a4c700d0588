"""Writes small NIR files for tests, straight to HDF5, so that bad ones can be written too."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
WORKLOADS = Path(__file__).resolve().parents[2] / "workloads"

Nodes = dict[str, dict[str, Any]]
Edges = list[tuple[str, str]]


def node(kind: str, **values: Any) -> dict[str, Any]:
    return {"type": kind, **values}


def graph(nodes: Nodes, edges: Edges) -> dict[str, Any]:
    return {"type": "NIRGraph", "nodes": nodes, "edges": edges}


def chain(*named: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A graph whose nodes follow one another."""
    names = [name for name, _ in named]
    return graph(dict(named), list(pairwise(names)))


def if_neurons(**values: Any) -> dict[str, Any]:
    return node("IF", **{"r": np.ones(1), "v_threshold": np.ones(1), "v_reset": np.zeros(1), **values})


def conv(weight: np.ndarray, stride: Any = (1, 1), padding: Any = (0, 0), dilation: Any = (1, 1),
         groups: int = 1, bias: np.ndarray | None = None, kind: str = "Conv2d") -> dict[str, Any]:  # fmt: skip
    bias = np.zeros(weight.shape[0]) if bias is None else bias
    return node(
        kind, weight=weight, stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias
    )


def pool(kind: str, kernel: Any, stride: Any, padding: Any = 0) -> dict[str, Any]:
    return node(f"{kind}Pool2d", kernel_size=kernel, stride=stride, padding=padding)


def write(path: Path, top: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        file["version"] = "1.0.8"
        _put(file.create_group("node"), top)
    return path


def _put(group: Any, item: dict[str, Any]) -> None:
    for key, value in item.items():
        if key == "nodes":
            nodes = group.create_group("nodes")
            for name, inner in value.items():
                _put(nodes.create_group(name), inner)
        elif key == "edges":
            rows = np.array(value, dtype=object).reshape(len(value), 2)
            group.create_dataset("edges", data=rows, dtype=h5py.string_dtype())
        elif isinstance(value, str):
            group[key] = value
        else:
            group[key] = np.asarray(value)
