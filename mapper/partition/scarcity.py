"""Why a network does not fit: the resource, what is proven, the best that was found, and remedies.

Reads a problem that no partitioner could solve.  Lower bounds count every neuron once, every axon of a
layer once and every weight once, so they hold for any partition; remedies are tried before they are
offered.  Of a network for hundreds of cores only more cores are tried, since every trial takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.capacity import RESOURCE_TEXT, RESOURCES, Kind
from mapper.infeasible import Infeasibility
from mapper.partition import packing
from mapper.partition.base import Found, Problem
from mapper.partition.candidates import grid_slices
from mapper.partition.sweep import LARGE_CORES, Sweep, cores_at_least
from mapper.partition.tiling import LayerTiling
from neurosim.artefacts.mapping import Demand
from neurosim.chip.models import Chip
from neurosim.network.connections import Connection, Conv, Dense, Diagonal
from neurosim.network.model import Population, Projection
from neurosim.rules import synapse

MORE_CORES = (2, 4, 8, 16, 32)
MORE_CAPACITY = 256
BISECTIONS = 8
WIDER = (1.2, 2**0.5, 2.0)
"""Of large networks also sides of the mesh so many times as long are tried: not every core suits a tile."""


def is_hopeless(problem: Problem) -> bool:
    """Whether it is proven that no partition exists; False proves nothing."""
    return _cores_at_least(problem, _total_at_least(problem)) > problem.n_cores


def explain(problem: Problem) -> Infeasibility:
    """The infeasibility of ``problem``, which no partitioner solved."""
    for layer in problem.anatomy.layers:
        if _every_neuron_fits(problem, layer):
            continue
        found = _neuron_too_large(problem, layer)
        if found is not None:
            return found
    return _cores_too_few(problem)


def _is_large(problem: Problem) -> bool:
    return cores_at_least(problem) >= LARGE_CORES


def _every_neuron_fits(problem: Problem, layer: Population) -> bool:
    """Whether some core holds more than any neuron of ``layer`` can take by itself; False proves nothing."""
    anatomy, core = problem.anatomy, problem.chip.core
    bits = anatomy.network.weight_bits
    assert bits is not None
    axons, words = 0, core.state_words_per_neuron
    for projection in anatomy.into(layer.name):
        each = [
            synapse.axon_words(fmt, 1, bits, core.index_bits, core.word_bits)
            for fmt in capacity.legal_formats(core, projection)
            if fmt != synapse.FORMAT_CONV
        ]
        if not each:
            return False
        most = _axons_at_most(projection.connection)
        axons, words = axons + most, words + most * (core.axon_header_words + min(each))
    return bool(problem.where(Demand(1, axons, words, _entries_at_least(anatomy, layer))))


def _axons_at_most(connection: Connection) -> int:
    """Axons that one target neuron can hear."""
    if isinstance(connection, Conv):
        return math.prod(connection.weight.shape[1:])
    if isinstance(connection, Diagonal):
        return 1
    if isinstance(connection, Dense):
        return connection.n_in
    return int(np.bincount(connection.target, minlength=1).max())


def _neuron_too_large(problem: Problem, layer: Population) -> Infeasibility | None:
    """A single neuron of ``layer`` that is more than any core holds."""
    anatomy, core = problem.anatomy, problem.chip.core
    worst: tuple[float, str, int, int] | None = None
    reached = _entries_at_least(anatomy, layer)
    for piece in grid_slices(layer.name, anatomy.shape(layer.name), anatomy.shape(layer.name)):
        demand = capacity.slice_demand(anatomy, core, piece, reached)
        if problem.where(demand):
            continue
        for resource in RESOURCES:
            limit = max(getattr(k.limit, resource) for k in problem.kinds)
            need = getattr(demand, resource)
            ratio = need / limit if limit else float("inf")
            if need > limit and (worst is None or ratio > worst[0]):
                worst = (ratio, resource, need, limit)
    if worst is None:
        return None
    _, resource, need, limit = worst
    return Infeasibility(
        resource=RESOURCE_TEXT[resource],
        layer=layer.name,
        demand=need,
        bound=need,
        limit=limit,
        what=f"one neuron of '{layer.name}' takes {need} {RESOURCE_TEXT[resource].split(' per ')[0]}, "
        f"a core of chip '{problem.chip.name}' has {limit}",
        remedies=_remedies(problem, None),
    )


def _cores_too_few(problem: Problem) -> Infeasibility:
    bounds = {layer.name: _at_least(problem, layer) for layer in problem.anatomy.layers}
    total = _total_at_least(problem)
    bound = _cores_at_least(problem, total)
    demand = _best_found(problem, total)
    layer = max(bounds, key=lambda name: (_cores_at_least(problem, bounds[name]), name))
    if bound > problem.n_cores:
        what = f"the network needs more cores than chip '{problem.chip.name}' has"
    else:
        cores = "1 core" if problem.n_cores == 1 else f"{problem.n_cores} cores"
        what = f"no partition onto the {cores} of chip '{problem.chip.name}' was found"
    what += f"; the largest layer is '{layer}'"
    return Infeasibility(
        resource="cores",
        layer=layer,
        demand=demand,
        bound=max(bound, 1),
        limit=problem.n_cores,
        what=what,
        remedies=_remedies(problem, demand),
    )


def _cores_at_least(problem: Problem, demand: Demand) -> int:
    """Cores that ``demand`` takes at least."""
    return max(_cores_for(problem.kinds, r, getattr(demand, r)) for r in RESOURCES)


def _total_at_least(problem: Problem) -> Demand:
    """What the network takes of each resource in any partition."""
    return capacity.add(_at_least(problem, layer) for layer in problem.anatomy.layers)


def _at_least(problem: Problem, layer: Population) -> Demand:
    """What ``layer`` takes of each resource in any partition."""
    anatomy, core = problem.anatomy, problem.chip.core
    weight_bits = anatomy.network.weight_bits
    assert weight_bits is not None
    whole = anatomy.whole(layer.name)
    axons, words = 0, core.state_words_per_neuron * layer.n
    for projection in anatomy.into(layer.name):
        profile = anatomy.profile(projection, whole)
        axons += profile.n_axons
        weights = profile.n_synapses
        if isinstance(projection.connection, Conv):
            weights = _conv_weights_at_least(anatomy, projection, "conv" in core.synapse_formats)
        words += core.axon_header_words * profile.n_axons - (-weights * weight_bits // core.word_bits)
    return Demand(layer.n, axons, words, layer.n * _entries_at_least(anatomy, layer))


def _conv_weights_at_least(anatomy: Anatomy, projection: Projection, is_shared: bool) -> int:
    """Weights that a convolution's blocks hold in any partition; ``is_shared``: as kernels where fewer.

    Cut into single channels it takes the least: a channel that ignores an input pays nothing for it.
    """
    whole, total = anatomy.whole(projection.target), 0
    for c in range(whole.c[1]):
        channel = replace(whole, c=(c, c + 1))
        synapses = anatomy.profile(projection, channel).n_synapses
        total += min(synapses, anatomy.kernel_size(projection, channel)) if is_shared else synapses
    return total


def _entries_at_least(anatomy: Anatomy, layer: Population) -> int:
    """Target entries that every neuron of ``layer`` has in any partition."""
    least = capacity.host_entries(anatomy.network, layer.name)
    for projection in anatomy.out_of(layer.name):
        least += int(anatomy.fan_out(projection, [anatomy.whole(projection.target)]).min())
    return least


def _cores_for(kinds: tuple[Kind, ...], resource: str, total: int) -> int:
    """Cores that hold ``total`` at least, largest first; beyond the chip, of the largest kind."""
    limits = sorted((getattr(k.limit, resource), len(k.cores)) for k in kinds)
    cores = 0
    for limit, count in reversed(limits):
        if limit and total <= limit * count:
            return cores + int(-(-total // limit))
        cores, total = cores + count, total - limit * count
    largest = limits[-1][0]
    return cores + (int(-(-total // largest)) if largest else total)


def _best_found(problem: Problem, total: Demand) -> int | None:
    """Cores of the best partition found on more cores of the same kinds, None if there is none.

    ``total`` is taken by any partition: what cannot hold it is not tried.
    """
    for factor in MORE_CORES:
        kinds = tuple(replace(k, cores=k.cores * factor) for k in problem.kinds)
        larger = replace(problem, kinds=kinds)
        if _cores_at_least(larger, total) > larger.n_cores:
            continue
        if _is_large(problem):
            tried = [Sweep().partition(larger)]
        else:
            tried = [packing.pack_layers(larger), LayerTiling().partition(larger)]
        found = [f for f in tried if f]
        sizes = [len(f.clusters) for f in found if len(f.clusters) > problem.n_cores]
        if sizes:
            return min(sizes)
    return None


def _remedies(problem: Problem, demand: int | None) -> tuple[str, ...]:
    """Changes that were tried and work, each on its own."""
    out = []
    if demand is not None:
        mesh = _mesh_that_fits(problem, demand)
        if mesh:
            out.append(mesh)
    if _is_large(problem):
        return tuple(out)
    for resource in RESOURCES:
        value = _capacity_that_fits(problem, resource)
        if value is not None:
            out.append(f"{value} {RESOURCE_TEXT[resource]}")
    bits = _weight_bits_that_fit(problem)
    if bits is not None:
        out.append(f"{bits}-bit weights")
    return tuple(out)


def _works(problem: Problem) -> Found | None:
    if is_hopeless(problem):
        return None
    if _is_large(problem):
        return Sweep().partition(problem)
    return LayerTiling().partition(replace(problem, thorough=False))


def _mesh_that_fits(problem: Problem, demand: int) -> str | None:
    mesh = problem.chip.mesh
    per_side = mesh.cores_per_tile * problem.chip.n_chips
    first = next(s for s in range(1, demand + 1) if s * s * per_side >= demand)
    wider = [math.ceil(first * factor) for factor in WIDER] if _is_large(problem) else []
    for side in [first, first + 1, first + 2, *wider]:
        width, height = max(side, mesh.width), max(side, mesh.height)  # or named defects would lie outside
        larger = mesh.model_copy(update={"width": width, "height": height})
        if _works(problem.on(problem.chip.model_copy(update={"mesh": larger}))):
            return f"a mesh of {width}x{height} tiles" + (" per chip" if problem.chip.n_chips > 1 else "")
    return None


def _capacity_that_fits(problem: Problem, resource: str) -> int | None:
    """The smallest limit of one resource with which it fits (found by bisection), or None."""
    now = max(getattr(k.limit, resource) for k in problem.kinds)

    def works(limit: int) -> bool:
        return _works(problem.on(_with_limit(problem.chip, resource, limit))) is not None

    low, high = max(now, 1), MORE_CAPACITY * max(now, 1)
    if resource == "neurons" and "sparse" in problem.chip.core.synapse_formats:
        high = min(high, 1 << problem.chip.core.index_bits)  # beyond it the chip is inconsistent
    if high <= now or not works(high):
        return None
    while low * 2 < high and not works(low * 2):
        low *= 2
    return _bisect(works, low, min(low * 2, high))


def _bisect(works: Callable[[int], bool], low: int, high: int) -> int:
    for _ in range(BISECTIONS):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def _with_limit(chip: Chip, resource: str, limit: int) -> Chip:
    core = chip.core.model_copy(update={resource: limit})
    kinds = []
    for kind in chip.core_types:
        own = getattr(kind, resource)
        changed = {} if own is None else {resource: max(limit, own)}
        kinds.append(kind.model_copy(update=changed))
    return chip.model_copy(update={"core": core, "core_types": tuple(kinds)})


def _weight_bits_that_fit(problem: Problem) -> int | None:
    network = problem.anatomy.network
    assert network.weight_bits is not None
    for bits in sorted(problem.chip.core.weight_bits, reverse=True):
        if bits < network.weight_bits:
            anatomy = Anatomy(replace(network, weight_bits=bits), problem.anatomy.spikes)
            if _works(replace(problem, anatomy=anatomy)):
                return bits
    return None
