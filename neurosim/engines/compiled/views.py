"""The compiled engine's arrays as the wait-for graph wants to see them."""

from __future__ import annotations

from collections.abc import Callable

from neurosim.engines.compiled.fabric_state import STRIDE, vc_stride
from neurosim.engines.compiled.layout import State
from neurosim.fabric.topology import Fabric


class ArrayRouter:
    """One router's part of a :class:`State`, a ``neurosim.engines.waits.RouterView``.

    Outside the kernel a channel is ``port * n_vcs + vc``, inside ``port * stride + vc``.
    """

    def __init__(self, number: int, fabric: Fabric, state: State, name: Callable[[int], str]) -> None:
        self._vcs = fabric.n_vcs
        self._stride = vc_stride(fabric)
        self._first = number * STRIDE * self._stride
        self._state = state
        self._name = name

    def _at(self, channel: int) -> int:
        port, vc = divmod(channel, self._vcs)
        return self._first + port * self._stride + vc

    def _outside(self, local: int) -> int:
        port, vc = divmod(local, self._stride)
        return port * self._vcs + vc

    def occupied_channels(self) -> list[int]:
        """Input channels that hold flits, ascending."""
        lengths = self._state.field("LENGTH")[self._first : self._first + STRIDE * self._stride]
        return [self._outside(int(local)) for local in lengths.nonzero()[0]]

    def wanted(self, channel: int) -> int:
        """Output channel that the front flit of ``channel`` wants."""
        return self._outside(int(self._state.field("WANT")[self._at(channel)]))

    def owner_of(self, out: int) -> int:
        """Input channel that owns output channel ``out``, -1 if none."""
        owner = int(self._state.field("OWNER")[self._at(out)])
        return owner if owner < 0 else self._outside(owner)

    def credits_of(self, out: int) -> int:
        """Credits of output channel ``out``."""
        return int(self._state.field("CREDITS")[self._at(out)])

    def length_of(self, channel: int) -> int:
        """Flits in input channel ``channel``."""
        return int(self._state.field("LENGTH")[self._at(channel)])

    def front_packet(self, channel: int) -> str:
        """The packet at the front, in words."""
        at = self._at(channel)
        slot = at * self._state.constant("RING") + int(self._state.field("FIRST")[at])
        return self._name(int(self._state.field("FIFO")[slot]) >> 4)


def router_views(fabric: Fabric, state: State, name: Callable[[int], str]) -> list[ArrayRouter]:
    """Views of all routers; ``name`` puts a packet into words."""
    return [ArrayRouter(number, fabric, state, name) for number in range(fabric.n_routers)]
