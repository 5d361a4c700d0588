"""Reads a mapping's folder back, whole, as its artefacts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.artefacts.mapping import Partition, Placement, Routes
    from neurosim.artefacts.program import Program
    from neurosim.chip.models import Chip
    from neurosim.network.model import Network

FILES = (
    "chip.yaml", "float_network.npz", "manifest.json", "mapping.json", "network.npz", "partition.npz",
    "placement.npz", "program.npz", "quantised_network.npz", "routes.npz",
)  # fmt: skip
PAGE = "mapping.html"  # made on request


def files_of(folder: Path) -> tuple[str, ...]:
    """All files of a mapping's folder: its page only if it has one."""
    return (*FILES, PAGE) if (folder / PAGE).is_file() else FILES


@dataclass(frozen=True)
class Mapped:
    """The content of a mapping's folder; ``network`` is as mapped, ``figures`` is ``mapping.json``."""

    folder: Path
    floating: Network
    quantised: Network
    network: Network
    partition: Partition
    placement: Placement
    routes: Routes
    program: Program
    chip: Chip
    figures: dict[str, Any]


def load_mapping(folder: Path) -> Mapped:
    """Load the mapping in ``folder``.

    Raises:
        InputError: it is not one, not whole, or its parts do not belong together.
    """
    from neurosim.api.folders import require_kind
    from neurosim.artefacts.mapping import Partition, Placement, Routes
    from neurosim.artefacts.program import Program
    from neurosim.chip.loader import chip_digest, load_chip
    from neurosim.network.model import Network
    from neurosim.store import digest, load

    require_kind(folder, "mapping")
    mapped = Mapped(
        folder,
        load(folder / "float_network.npz", Network),
        load(folder / "quantised_network.npz", Network),
        load(folder / "network.npz", Network),
        load(folder / "partition.npz", Partition),
        load(folder / "placement.npz", Placement),
        load(folder / "routes.npz", Routes),
        load(folder / "program.npz", Program),
        load_chip(folder / "chip.yaml"),
        load_figures(folder / "mapping.json"),
    )
    _require(folder, "network.npz", digest(mapped.network), mapped.program.network_digest)
    _require(folder, "chip.yaml", chip_digest(mapped.chip), mapped.program.chip_digest)
    _require(folder, "routes.npz", digest(mapped.routes), mapped.program.routes_digest)
    figures = mapped.figures
    _require(folder, "mapping.json", figures["network"]["digest"], mapped.program.network_digest)
    _require(folder, "mapping.json", figures["chip"]["digest"], mapped.program.chip_digest)
    float_digest = figures["network"]["float_digest"]
    _require(folder, "float_network.npz", digest(mapped.floating), float_digest, "mapping.json")
    return mapped


def _require(folder: Path, name: str, got: str, expected: str, other: str = "program.npz") -> None:
    from neurosim.errors import InputError

    if got != expected:
        raise InputError(
            f"{name} and {other} do not belong together", code="mapping-mixed", where=str(folder),
            expected=expected[:12], got=got[:12], hint="make the mapping again",
        )  # fmt: skip


_NUMBER = (int, float)
_FIGURES: dict[str, tuple[type, ...]] = {
    "network.digest": (str,), "network.float_digest": (str,), "chip.digest": (str,), "seed": (int,),
    "input_digest": (str, type(None)), "quantisation": (dict, type(None)),
}  # fmt: skip
_LOSS: dict[str, tuple[type, ...]] = {
    "population": (str,), "weights": _NUMBER, "weight_bits": _NUMBER, "weights_saturated": _NUMBER,
    "spikes_float": _NUMBER, "spikes_int": _NUMBER, "slots_that_differ": _NUMBER, "slots": _NUMBER,
}  # fmt: skip


def load_figures(path: Path) -> dict[str, Any]:
    """The content of ``mapping.json``; what others read of it is there and of its type.

    Raises:
        InputError: the file is missing or broken, or lacks a figure.
    """
    figures = read_json(path)
    for name, types in _FIGURES.items():
        _require_figure(path, figures, name, types)
    if figures["quantisation"] is not None:
        _require_figure(path, figures, "quantisation.layers", (list,))
        for index in range(len(figures["quantisation"]["layers"])):
            for name, types in _LOSS.items():
                _require_figure(path, figures, f"quantisation.layers.{index}.{name}", types)
    return figures


def _require_figure(path: Path, figures: dict[str, Any], name: str, types: tuple[type, ...]) -> None:
    from neurosim.errors import InputError

    value: Any = figures
    for key in name.split("."):
        if isinstance(value, list):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            raise InputError(
                f"the figure '{name}' is missing", code="mapping-figures", where=str(path),
                hint="make the mapping again",
            )  # fmt: skip
    if not isinstance(value, types):
        raise InputError(
            f"the figure '{name}' is not of its kind", code="mapping-figures", where=str(path),
            got=json.dumps(value)[:60], hint="make the mapping again",
        )  # fmt: skip


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of ours.

    Raises:
        InputError: it is missing or broken.
    """
    from neurosim.errors import InputError

    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError("no such file", code="file-missing", where=str(path)) from error
    except (OSError, ValueError) as error:
        raise InputError(
            "not a whole JSON file of this program", code="artefact-broken", where=str(path),
            hint="make it again, or check the path",
        ) from error  # fmt: skip
    if not isinstance(content, dict):
        raise InputError("not a JSON object", code="artefact-broken", where=str(path))
    return content
