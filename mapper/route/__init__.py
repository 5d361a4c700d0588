"""Routes: the unicast flows of a placed network, their hops, and whether they can deadlock.

:func:`route` reads flows and a placement; paths are the fabric's own, but for the exceptions that routers
with tables make where that would not do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mapper.place.distance import walked
from mapper.route.exceptions import find_exceptions
from mapper.route.flows import Flows
from neurosim.artefacts.mapping import HOST, Placement, Routes
from neurosim.fabric.cdg import analyse_flows
from neurosim.fabric.topology import Fabric
from neurosim.store import digest


def route(flows: Flows, placement: Placement, fabric: Fabric, untie: bool = True) -> Routes:
    """The routes of all flows, sorted by (source, target); HOST comes first.

    Without ``untie`` tables lead round dead parts only, and a cycle of dependencies stays.

    Raises:
        MismatchError: a flow does not arrive (see :func:`mapper.route.around.place_around`).
    """
    core = np.append(placement.core, HOST)
    order = np.lexsort((core[flows.target], core[flows.source]))
    source, target = core[flows.source][order], core[flows.target][order]
    table = find_exceptions(fabric, source, target, untie=untie).table
    if table is not None:
        fabric = replace(fabric, table=table)
    _, hops = walked(fabric, source, target)
    verdict = analyse_flows(fabric, source, target)
    return Routes(
        placement_digest=digest(placement),
        chip_digest=placement.chip_digest,
        source=source,
        target=target,
        packets=flows.spikes[order],
        hops=hops,
        verdict=verdict.verdict,
        order=verdict.order,
        cycle=verdict.cycle,
        table=table,
    )
