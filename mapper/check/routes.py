"""Checks Routes: the flows that the network needs and no others, their ways, and the deadlock verdict."""

from __future__ import annotations

import numpy as np

from mapper.check.counting import shorten
from mapper.check.placement import connected
from mapper.check.table import check_table
from neurosim.artefacts.mapping import Partition, Placement, Routes
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.fabric.cdg import check_certificate
from neurosim.fabric.channels import describe_channel, injection_channel, output_channel
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.network.model import Network
from neurosim.store import digest


def check_routes(
    routes: Routes, placement: Placement, partition: Partition, network: Network, chip: Chip
) -> list[str]:
    """Problems of ``routes`` for a placed partition."""
    problems = []
    if routes.placement_digest != digest(placement):
        problems.append("the routes were made for another placement")
    if routes.chip_digest != chip_digest(chip):
        problems.append("the routes were made for another chip")
    pairs = list(zip(routes.source.tolist(), routes.target.tolist(), strict=True))
    needed = connected(placement, partition, network)
    wrong = [f"no flow from core {a} to core {b}" for a, b in sorted(needed - set(pairs))]
    wrong += [f"a flow from core {a} to core {b} that nobody needs" for a, b in sorted(set(pairs) - needed)]
    if len(set(pairs)) != len(pairs):
        wrong.append("a flow is listed twice")
    if (routes.packets < 0).any() or not np.isfinite(routes.packets).all():
        wrong.append("a flow carries a negative or infinite number of packets")
    if wrong:
        return problems + shorten(wrong)
    lost = check_table(routes.table, chip, routes.source, routes.target)
    if lost:
        return problems + lost
    fabric = build_fabric(chip, table=routes.table)
    for (a, b), hops in zip(pairs, routes.hops.tolist(), strict=True):
        walked = len(fabric.walk(a, b))
        if walked != hops:
            wrong.append(f"the flow from core {a} to core {b} enters {walked} routers, not {hops}")
    return problems + shorten(wrong) + _check_verdict(routes, fabric)


def _check_verdict(routes: Routes, fabric: Fabric) -> list[str]:
    if routes.verdict == "free":
        return check_certificate(fabric, routes.source, routes.target, routes.order.tolist())
    if routes.verdict != "cyclic":
        return [f"the verdict is '{routes.verdict}', must be free or cyclic"]
    if not routes.cycle.size:
        return ["the verdict is cyclic, but no cycle is named"]
    waits = _waits(routes, fabric)
    cycle = routes.cycle.tolist()
    return [
        f"{describe_channel(fabric, a)} does not wait for {describe_channel(fabric, b)}"
        for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True)
        if (a, b) not in waits
    ]


def _waits(routes: Routes, fabric: Fabric) -> set[tuple[int, int]]:
    waits = set()
    senders = set(routes.source.tolist())
    for a, b in zip(routes.source.tolist(), routes.target.tolist(), strict=True):
        held = injection_channel(fabric, a)
        for router, _, _, port, vc in fabric.walk(a, b):
            wanted = output_channel(fabric, router, port, vc)
            waits.add((held, wanted))
            held = wanted
        if b >= 0 and b in senders and not fabric.chip.core.receive_during_update:
            waits.add((held, injection_channel(fabric, b)))
    return waits
