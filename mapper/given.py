"""A mapping given by the user: which core holds which neuron is known, nothing is searched.

Reads a network's anatomy, a fabric and one core number per neuron; writes the Partition and the Placement
that say the same, or raises what is wrong with it.  The neurons of a population on one core become one
slice, so that a spike needs one axon there however they are scattered.  Only where a convolution feeds them
and they are no box of the (C, H, W) form, or where one slice does not fit and several do, they become one
slice per run of a row; the report counts the axons that this costs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.place import distance
from mapper.route.flows import Flows
from neurosim.artefacts.mapping import (
    HOST,
    Cluster,
    Demand,
    Partition,
    Placement,
    Scattered,
    Slice,
    SolverReport,
)
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.errors import DoesNotFitError, InputError
from neurosim.fabric.topology import Fabric
from neurosim.network.connections import Conv
from neurosim.network.model import Population
from neurosim.store import digest

IntArray = NDArray[np.int64]
METHOD = "given"


def partition_as_given(
    anatomy: Anatomy, fabric: Fabric, cores: NDArray[np.generic]
) -> tuple[Partition, IntArray]:
    """The partition that puts neuron ``i`` on core ``cores[i]``, and the core of every cluster.

    Neurons are numbered population after population as mapped, inputs left out.

    Raises:
        InputError: not one whole number per neuron, or a core that the chip does not have.
        DoesNotFitError: a core is asked to hold more than it can.
    """
    chip, network = fabric.chip, anatomy.network
    home = _checked(anatomy, cores, fabric)
    kind_of = {core: kind for kind in capacity.core_kinds(chip) for core in kind.cores}
    held: dict[int, list[Slice]] = {int(core): [] for core in np.unique(home)}
    first = 0
    for layer in anatomy.layers:
        mine = home[first : first + layer.n]
        first += layer.n
        for core in np.unique(mine).tolist():
            held[core] += _slices(anatomy, layer, np.flatnonzero(mine == core))
    for core in held:
        if core not in kind_of:
            raise _wrong("a core was given that is no neuron core", network.name, "a neuron core", str(core))
    clusters = _clusters(anatomy, chip, held)
    tight = [c for c, made in clusters.items() if not capacity.fits(made.demand, kind_of[c].limit)]
    if any(isinstance(piece, Scattered) for core in tight for piece in held[core]):
        held |= {core: _in_runs(anatomy, held[core]) for core in tight}
        clusters = _clusters(anatomy, chip, held)
    for core, cluster in clusters.items():
        _require_fit(network.name, chip, core, cluster.demand, kind_of[core].limit)
    detail = "given by the user, no search" + _double_axons(anatomy, held)
    report = SolverReport("partition cores", METHOD, "heuristic", float(len(clusters)), None, detail)
    cut = Partition(digest(network), chip_digest(chip), tuple(clusters.values()), (report,))
    return cut, np.array(list(held), np.int64)


def _clusters(anatomy: Anatomy, chip: Chip, held: dict[int, list[Slice]]) -> dict[int, Cluster]:
    """By core, its slices with what they take."""
    pieces = [piece for core in held for piece in held[core]]
    plain = [capacity.slice_demand(anatomy, chip.core, piece) for piece in pieces]
    demands = dict(zip(pieces, capacity.with_entries(anatomy, pieces, plain), strict=True))
    return {
        core: Cluster(tuple(mine), capacity.add(demands[p] for p in mine)) for core, mine in held.items()
    }


def _double_axons(anatomy: Anatomy, held: dict[int, list[Slice]]) -> str:
    """A clause on axons beyond one per source and core, and whose they are; empty if there are none."""
    more: dict[str, int] = {}
    for pieces in held.values():
        for name in {piece.population for piece in pieces}:
            mine = [piece for piece in pieces if piece.population == name]
            for projection in anatomy.into(name) if len(mine) > 1 else ():
                axons = np.concatenate([anatomy.fan_in(projection, piece).axons for piece in mine])
                more[name] = more.get(name, 0) + len(axons) - len(np.unique(axons))
    found = {name: n for name, n in more.items() if n}
    if not found:
        return ""
    names = ", ".join(f"'{layer.name}'" for layer in anatomy.layers if layer.name in found)
    return (
        f"; {sum(found.values())} axons more than one per source and core, each a packet more per spike: "
        f"scattered neurons of {names}"
    )


def place_as_given(
    cut: Partition, core: IntArray, flows: Flows, fabric: Fabric, where: str
) -> Placement:
    """The placement of cluster ``i`` on ``core[i]``.

    Raises:
        DoesNotFitError: some packet cannot be addressed.
    """
    place = np.append(core, HOST)
    tile = np.array([fabric.tile_of(int(c)) for c in place], np.int64)
    far = np.argwhere((flows.linked > 0) & ~distance.reachable(fabric, tile, tile))
    if len(far):
        ends = ["the host" if n == HOST else f"core {n}" for n in place[far[0]].tolist()]
        raise DoesNotFitError(
            f"{ends[0]} cannot address {ends[1]} in the given mapping: it is out of reach",
            code="map-given-reach", where=where, got=f"{len(far)} such pairs",
        )  # fmt: skip
    source, target = np.nonzero(flows.linked)
    hops = distance.walked(fabric, place[source], place[target])[0]
    cost = float((flows.packets[source, target] * hops).sum())
    report = SolverReport("placement", METHOD, "heuristic", cost, None, "given by the user, no search")
    return Placement(digest(cut), cut.chip_digest, core, (report,))


def _checked(anatomy: Anatomy, cores: NDArray[np.generic], fabric: Fabric) -> IntArray:
    given, n = np.asarray(cores), sum(layer.n for layer in anatomy.layers)
    where = anatomy.network.name
    if given.shape != (n,) or given.dtype.kind not in "iu":
        raise _wrong(
            "the given cores do not fit the network", where,
            f"({n},) whole numbers, one per neuron as mapped", f"{given.shape} {given.dtype}",
        )  # fmt: skip
    if int(given.min()) < 0 or int(given.max()) >= fabric.n_cores:
        raise _wrong(
            "a core was given that the chip does not have", where, f"0..{fabric.n_cores - 1}",
            f"{int(given.min())}..{int(given.max())}",
        )  # fmt: skip
    return given.astype(np.int64)


def _wrong(what: str, where: str, expected: str, got: str) -> InputError:
    return InputError(what, code="map-given-cores", where=where, expected=expected, got=got)


def _slices(anatomy: Anatomy, layer: Population, neurons: IntArray) -> list[Slice]:
    """The neurons (ascending) as one box or set, or as boxes where a convolution feeds them."""
    shape = anatomy.shape(layer.name)
    c, y, x = np.unravel_index(neurons, shape)
    spans = [(int(axis.min()), int(axis.max()) + 1) for axis in (c, y, x)]
    box = Slice(layer.name, *spans)
    if box.n == len(neurons):
        return [box]
    if any(isinstance(projection.connection, Conv) for projection in anatomy.into(layer.name)):
        return _runs(layer.name, shape, neurons)
    return [Scattered(layer.name, spans[0], spans[1], spans[2], tuple(neurons.tolist()))]


def _in_runs(anatomy: Anatomy, pieces: list[Slice]) -> list[Slice]:
    """The slices of a core with every scattered one as runs."""
    out: list[Slice] = []
    for piece in pieces:
        shape = anatomy.shape(piece.population)
        is_set = isinstance(piece, Scattered)
        out += _runs(piece.population, shape, piece.neurons(shape)) if is_set else [piece]
    return out


def _runs(name: str, shape: tuple[int, int, int], neurons: IntArray) -> list[Slice]:
    """The neurons (ascending) as runs of rows."""
    width = 1 if shape[1:] == (1, 1) else shape[2]  # flat populations run along their channels
    step = np.diff(neurons) != 1
    if width > 1:
        step |= neurons[1:] // width != neurons[:-1] // width
    edges = [0, *(np.flatnonzero(step) + 1).tolist(), len(neurons)]
    return [_run(name, shape, int(neurons[a]), b - a) for a, b in pairwise(edges)]


def _run(name: str, shape: tuple[int, int, int], first: int, n: int) -> Slice:
    if shape[1:] == (1, 1):
        return Slice(name, (first, first + n), (0, 1), (0, 1))
    c, y, x = (int(v) for v in np.unravel_index(first, shape))
    return Slice(name, (c, c + 1), (y, y + 1), (x, x + n))


def _require_fit(where: str, chip: Chip, core: int, demand: Demand, limit: Demand) -> None:
    for resource in capacity.RESOURCES:
        need, have = getattr(demand, resource), getattr(limit, resource)
        if need > have:
            raise DoesNotFitError(
                f"core {core} of chip '{chip.name}' cannot hold what was given to it",
                code="map-given-fit", where=where,
                expected=f"at most {have} {capacity.RESOURCE_TEXT[resource]}", got=str(need),
                hint="give it fewer neurons, or leave the mapping to the mapper",
            )  # fmt: skip

