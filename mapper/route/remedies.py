"""What would make a mapping that can deadlock free of it: every remedy is tried before it is named.

Reads a mapping whose flows have a cycle of dependencies; writes phrases.  Routes are chosen per chip, so the
remedies are another routing function, a second virtual channel after the first crossing between chips, or
another placement; the mapping itself is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mapper.route.exceptions import find_exceptions
from neurosim.artefacts.mapping import HOST
from neurosim.chip.models import Chip
from neurosim.errors import NeurosimError
from neurosim.fabric.cdg import analyse_flows
from neurosim.fabric.topology import Fabric, build_fabric

if TYPE_CHECKING:
    from mapper.compile import Mapping
    from mapper.options import MapOptions

IntArray = NDArray[np.int64]
SEEDS = 3  # other placements that are tried
CLUSTERS_AT_MOST = 512  # above, placing again would take too long for a hint
EFFORT = 0.25
LEAST_EFFORT = 0.001  # that the commands take (neurosim.api.bounds)


def remedies(mapping: Mapping, chip: Chip, options: MapOptions) -> tuple[str, ...]:
    """Phrases such as ``seed 2``; none where nothing that was tried helps, or nothing is needed."""
    if mapping.routes.verdict == "free":
        return ()
    out = [text for text, other in _other_chips(chip) if _is_free(mapping, other)]
    if options.cores is None and len(mapping.partition.clusters) <= CLUSTERS_AT_MOST:
        out += _other_seed(mapping, chip, options)
    return tuple(out)


def _other_chips(chip: Chip) -> Iterator[tuple[str, Chip]]:
    router = chip.router
    for name in ("xy", "yx"):
        if router.routing in ("xy", "yx") and name != router.routing:
            yield f"router.routing '{name}'", _with(chip, routing=name)
    if chip.n_chips > 1 and router.vc_policy != "crossings":
        channels = max(2, router.virtual_channels)
        text = f"router.virtual_channels {channels} and router.vc_policy 'crossings'"
        yield text, _with(chip, virtual_channels=channels, vc_policy="crossings")


def _with(chip: Chip, **changes: Any) -> Chip:
    return chip.model_copy(update={"router": chip.router.model_copy(update=changes)})


def _is_free(mapping: Mapping, chip: Chip) -> bool:
    return _are_free(build_fabric(chip), mapping.routes.source, mapping.routes.target)


def _are_free(fabric: Fabric, source: IntArray, target: IntArray) -> bool:
    """Whether flows cannot deadlock, tables leading round dead parts; False if one is lost."""
    table = find_exceptions(fabric, source, target, untie=False).table
    try:
        return analyse_flows(replace(fabric, table=table), source, target).is_free
    except NeurosimError:
        return False


def _other_seed(mapping: Mapping, chip: Chip, options: MapOptions) -> list[str]:
    """The first other seed whose placement is free."""
    from mapper.anatomy import Anatomy
    from mapper.compile import place_whole
    from mapper.route.flows import cluster_flows

    fabric = build_fabric(chip)
    flows = cluster_flows(Anatomy(mapping.network, dict(mapping.spikes)), mapping.partition.clusters)
    effort = max(LEAST_EFFORT, options.effort * EFFORT)
    for seed in range(options.seed + 1, options.seed + 1 + SEEDS):
        tried = replace(options, seed=seed, progress=None, detail=None, effort=effort)
        try:
            placement = place_whole(mapping.partition, flows, fabric, tried, mapping.network.name)
        except NeurosimError:
            continue
        core = np.append(placement.core, HOST)
        if _are_free(fabric, core[flows.source], core[flows.target]):
            return [f"seed {seed} and effort {effort:g}"]
    return []
