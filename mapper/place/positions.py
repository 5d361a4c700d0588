"""The cores that placement chooses from: all of a system, or on very large ones the nearest to the host.

Reads a fabric, kinds of cores and how many clusters there are; gives global core numbers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mapper.capacity import Kind
from mapper.place.base import IntArray
from mapper.place.distance import reachable
from neurosim.artefacts.mapping import HOST, SolverReport
from neurosim.fabric.topology import Fabric

MAX_POSITIONS = 1024
POSITIONS_PER_CLUSTER = 4


def positions(fabric: Fabric, kinds: tuple[Kind, ...], n_clusters: int) -> IntArray:
    """Core numbers, ascending.

    Where there are too many, each kind keeps the cores nearest the host, those within its reach first,
    and at least one per cluster (or all it has): so clusters find cores of their own among them exactly
    if they do among all.
    """
    most = max(MAX_POSITIONS, POSITIONS_PER_CLUSTER * n_clusters)
    if sum(len(kind.cores) for kind in kinds) > most:
        each = max(n_clusters, most // len(kinds))
        chosen = [_nearest(fabric, np.array(kind.cores, np.int64), each) for kind in kinds]
    else:
        chosen = [np.array(kind.cores, np.int64) for kind in kinds]
    return np.sort(np.concatenate([np.zeros(0, np.int64), *chosen]))


def _nearest(fabric: Fabric, cores: IntArray, at_most: int) -> IntArray:
    tile = cores // fabric.chip.mesh.cores_per_tile
    host = fabric.tile_of(HOST)
    gap = np.abs(tile % fabric.width - host % fabric.width)
    gap += np.abs(tile // fabric.width - host // fabric.width)
    out_of_reach = ~reachable(fabric, tile, np.array([host]))[:, 0]
    return cores[np.lexsort((cores, gap, out_of_reach))[:at_most]]


def as_of_all_cores(report: SolverReport, n_considered: int, n_cores: int) -> SolverReport:
    """``report`` without what it proves about ``n_considered`` cores only, if there are more."""
    if n_considered == n_cores:
        return report
    what = f"only the {n_considered} of {n_cores} cores nearest the host were considered"
    detail = f"{report.detail}; {what}" if report.detail else what
    return replace(report, status="heuristic", bound=None, detail=detail)
