"""The routing table: where single routers send packets otherwise than the chip's routing rule would.

Written by the mapper, carried by Routes and Program; fabric, engines and the Verilog's images read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.store import artefact

IntArray = NDArray[np.int64]


@artefact
@dataclass(frozen=True)
class RouteTable:
    """Exceptions to the routing rule, one per element of four arrays of one length.

    At router ``router[e]`` packets for tile ``goal[e]`` (whatever hangs there: a core, the host) leave by
    port ``port[e]``, a direction, on virtual channel ``vc[e]``; BY_POLICY (-1) leaves the channel to the
    chip's VC policy.  Entries ascend by (router, goal), each pair once; a router has at most
    ``router.table_entries``, and none for its own tile.
    """

    router: IntArray
    goal: IntArray
    port: IntArray
    vc: IntArray

    @property
    def n(self) -> int:
        """Entries, of all routers together."""
        return int(self.router.shape[0])


def make_table(entries: dict[tuple[int, int], tuple[int, int]]) -> RouteTable:
    """The table of ``entries``: (router, goal tile) to (output port, VC or BY_POLICY)."""
    rows = np.array([(*key, *entries[key]) for key in sorted(entries)], np.int64).reshape(-1, 4)
    return RouteTable(*(rows[:, k].copy() for k in range(4)))
