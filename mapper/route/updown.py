"""Ways over a spanning tree: every link leads up, nearer to the root, or down, none up after one down.

Such ways have no cycle of dependencies on any network, and there is one between any two routers that are
connected (Autonet: Schroeder et al., IEEE Journal on Selected Areas in Communications 9, 1991).  Here the
next hop depends on router and destination only, as routing tables have it.
"""

from __future__ import annotations

from collections import deque

from neurosim.fabric.topology import Fabric
from neurosim.rules.ports import LOCAL


class SpanningTree:
    """The levels of a fabric's routers below the one nearest to its middle."""

    def __init__(self, fabric: Fabric) -> None:
        self._after = fabric.target[:, :LOCAL].tolist()
        alive = [r for r in range(fabric.n_routers) if max(self._after[r]) >= 0]
        self._level: dict[int, int] = {}
        for root in sorted(alive, key=lambda r: (self._off_middle(fabric, r), r)):
            if root not in self._level:  # the first is the root of all that hangs together with it
                self._measure(root)

    @staticmethod
    def _off_middle(fabric: Fabric, router: int) -> int:
        x, y = fabric.xy(router)
        return abs(2 * x - fabric.width + 1) + abs(2 * y - fabric.height + 1)

    def _measure(self, root: int) -> None:
        self._level[root] = 0
        queue = deque([root])
        while queue:
            router = queue.popleft()
            for after in self._after[router]:
                if after >= 0 and after not in self._level:
                    self._level[after] = self._level[router] + 1
                    queue.append(after)

    def _height(self, router: int) -> tuple[int, int]:
        return self._level[router], router

    def is_up(self, router: int, port: int) -> bool:
        """Whether the link behind ``port`` leads up."""
        return self._height(self._after[router][port]) < self._height(router)

    def ports(self, goal: int) -> dict[int, int]:
        """The output port towards ``goal`` of every router that is connected with it, but itself.

        Where links lead only down to the goal the fewest of them are taken; elsewhere it goes up, so that the
        whole way is shortest.
        """
        down = self._only_down(goal)
        found: dict[int, int] = {}
        hops = {router: n for router, (n, _) in down.items()}
        for router in sorted(self._level, key=self._height):
            if router in down:
                found[router] = down[router][1]
                continue
            ways = [
                (hops[after] + 1, port) for port, after in enumerate(self._after[router])
                if after in hops and self.is_up(router, port)
            ]  # fmt: skip
            if ways:
                hops[router], found[router] = min(ways)
        del found[goal]
        return found

    def _only_down(self, goal: int) -> dict[int, tuple[int, int]]:
        """(hops, port) of the routers from which links lead down to ``goal``."""
        found = {goal: (0, -1)}
        queue = deque([goal])
        while queue:
            router = queue.popleft()
            for above in self._after[router]:  # a link works both ways
                if above < 0 or above in found or self._height(above) > self._height(router):
                    continue
                port = self._after[above].index(router)
                found[above] = (found[router][0] + 1, port)
                queue.append(above)
        return found
