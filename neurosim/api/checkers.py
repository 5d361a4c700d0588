"""The checkers of single artefacts, by type; what an artefact was made from must lie beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.chip.models import Chip

T = TypeVar("T")


def _beside(path: Path, name: str, kind: type[T]) -> T:
    """The artefact ``name`` in the folder of ``path``, or in its mapping.

    Raises:
        InputError: it is not there.
    """
    from neurosim import store

    for folder in (path.parent, path.parent / "mapping"):
        if (folder / name).is_file():
            return store.load(folder / name, kind)
    raise InputError(
        f"needs {name} beside it to be checked", code="check-beside", where=str(path),
        hint="check the whole folder, or keep the files of a mapping together",
    )  # fmt: skip


def _chip(path: Path) -> Chip:
    """The chip that the program beside ``path`` is for."""
    from neurosim.chip.loader import load_chip

    for folder in (path.parent, path.parent / "mapping"):
        if (folder / "chip.yaml").is_file():
            return load_chip(folder / "chip.yaml")
    raise InputError(
        "needs chip.yaml beside it to be checked", code="check-beside", where=str(path),
        hint="check the whole folder, or keep the files of a mapping together",
    )  # fmt: skip


def _check_network(path: Path) -> list[str]:
    from neurosim import store
    from neurosim.network.check import check_network
    from neurosim.network.model import Network

    return check_network(store.load(path, Network))


def _check_partition(path: Path) -> list[str]:
    from mapper.check import check_partition
    from neurosim import store
    from neurosim.artefacts.mapping import Partition
    from neurosim.network.model import Network

    return check_partition(store.load(path, Partition), _beside(path, "network.npz", Network), _chip(path))


def _check_placement(path: Path) -> list[str]:
    from mapper.check import check_placement
    from neurosim import store
    from neurosim.artefacts.mapping import Partition, Placement
    from neurosim.network.model import Network

    partition = _beside(path, "partition.npz", Partition)
    network = _beside(path, "network.npz", Network)
    return check_placement(store.load(path, Placement), partition, network, _chip(path))


def _check_routes(path: Path) -> list[str]:
    from mapper.check import check_routes
    from neurosim import store
    from neurosim.artefacts.mapping import Partition, Placement, Routes
    from neurosim.network.model import Network

    placement = _beside(path, "placement.npz", Placement)
    partition = _beside(path, "partition.npz", Partition)
    network = _beside(path, "network.npz", Network)
    return check_routes(store.load(path, Routes), placement, partition, network, _chip(path))


def _check_program(path: Path) -> list[str]:
    from mapper.check import check_program
    from neurosim import store
    from neurosim.artefacts.mapping import Routes
    from neurosim.artefacts.program import Program
    from neurosim.network.model import Network

    routes = _beside(path, "routes.npz", Routes)
    network = _beside(path, "network.npz", Network)
    return check_program(store.load(path, Program), network, _chip(path), routes)


def _check_result(path: Path) -> list[str]:
    from neurosim import store
    from neurosim.analysis.check_result import check_result
    from neurosim.artefacts.program import Program
    from neurosim.artefacts.result import Result

    return check_result(store.load(path, Result), _beside(path, "program.npz", Program), _chip(path))


CHECKERS: dict[str, Callable[[Path], list[str]]] = {
    "Network": _check_network,
    "Partition": _check_partition,
    "Placement": _check_placement,
    "Routes": _check_routes,
    "Program": _check_program,
    "Result": _check_result,
}


def warnings_of(path: Path, kind: str) -> Iterator[str]:
    """A dependency cycle of the mapped flows is a fact about a mapping, not a fault of the artefact."""
    if kind == "Routes":
        from neurosim import store
        from neurosim.artefacts.mapping import Routes

        if store.load(path, Routes).verdict != "free":
            yield "this mapping can deadlock: the channel dependency graph of its flows has a cycle"
