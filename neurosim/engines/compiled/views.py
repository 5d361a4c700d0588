"""The compiled engine's arrays as the wait-for graph wants to see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.engines.compiled.fabric_state import STRIDE, vc_stride
from neurosim.engines.compiled.layout import State
from neurosim.fabric.topology import Fabric

IntArray = NDArray[np.int64]


class ArrayRouter:
    """One router's part of a :class:`State`, a ``neurosim.engines.waits.RouterView``.

    Outside the kernel a channel is ``port * n_vcs + vc``, inside ``port * stride + vc``.
    """

    def __init__(self, number: int, fabric: Fabric, state: State, name: Callable[[int], str]) -> None:
        self._vcs = fabric.n_vcs
        self._stride = vc_stride(fabric)
        self._first = number * STRIDE * self._stride
        self._lengths = state.field("LENGTH")
        self._own = self._lengths[self._first : self._first + STRIDE * self._stride]
        self._wanted, self._owner = state.field("WANT"), state.field("OWNER")
        self._credits = state.field("CREDITS")
        self._has_trees, self._owed = bool(state.constant("HAS_TREES")), state.field("OWED")
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
        return [self._outside(local) for local in self._own.nonzero()[0].tolist()]

    def wanted(self, channel: int) -> Sequence[int]:
        """Output channels that the front flit of ``channel`` has yet to take."""
        at = self._at(channel)
        if not self._has_trees:
            return (self._outside(int(self._wanted[at])),)
        owed = int(self._owed[at])
        return [self._outside(local) for local in range(STRIDE * self._stride) if owed >> local & 1]

    def owner_of(self, out: int) -> int:
        """Input channel that owns output channel ``out``, -1 if none."""
        owner = int(self._owner[self._at(out)])
        return owner if owner < 0 else self._outside(owner)

    def credits_of(self, out: int) -> int:
        """Credits of output channel ``out``."""
        return int(self._credits[self._at(out)])

    def length_of(self, channel: int) -> int:
        """Flits in input channel ``channel``."""
        return int(self._lengths[self._at(channel)])

    def front_packet(self, channel: int) -> str:
        """The packet at the front, in words."""
        at = self._at(channel)
        first = int(self._state.field("FIRST")[at])
        return self._name(int(self._state.field("FIFO")[at, first]) >> 4)


def holding(state: State) -> list[int]:
    """Numbers of the routers that hold flits."""
    channels = state.field("LENGTH").nonzero()[0] >> (3 + state.constant("VSHIFT"))
    return sorted({int(router) for router in channels})


def blocked(state: State) -> list[int]:
    """Numbers of the routers with a front that has no credit or whose output another packet owns."""
    channels, outs, owner = _fronts(state)
    waits = (state.field("CREDITS")[outs] == 0) | (owner >= 0)
    return [int(router) for router in np.unique(channels[waits] >> (3 + state.constant("VSHIFT")))]


def has_wait_cycle(state: State) -> bool:
    """Whether input channels wait for each other in a cycle: what the wait-for graph says, cores left out.

    Channels that wait for nobody are taken away until none is left or all that are left wait for one that is.
    """
    channels, outs, owner = _fronts(state)
    length, n = state.field("LENGTH"), state.constant("N_CHANNELS")
    behind = state.field("DESTINATION")[outs].astype(np.int64)
    is_full = (state.field("CREDITS")[outs] == 0) & (behind >= 0) & (behind < n)
    is_full[is_full] = length[behind[is_full]] == state.constant("DEPTH")
    goal = np.where(owner >= 0, owner, np.where(is_full, behind, -1))
    waiting, goal = channels[goal >= 0], goal[goal >= 0]
    is_left = np.zeros(n, np.bool_)
    is_left[waiting] = True
    while True:
        keep = is_left[goal]
        if keep.all():
            return bool(len(waiting))
        is_left[waiting[~keep]] = False
        waiting, goal = waiting[keep], goal[keep]
        is_left[waiting] = True  # a multicast packet waits for several


def fronts(state: State) -> tuple[IntArray, IntArray]:
    """Input channels that hold flits, and the output channels where their fronts have yet to go.

    A channel whose front is a multicast packet comes once per copy that is owed.
    """
    channels = state.field("LENGTH").nonzero()[0]
    shift = 3 + state.constant("VSHIFT")
    if not state.constant("HAS_TREES"):
        return channels, (channels >> shift << shift) + state.field("WANT")[channels]
    owed = state.field("OWED")[channels].view(np.uint64)
    row, local = np.nonzero(owed[:, None] >> np.arange(1 << shift, dtype=np.uint64) & np.uint64(1))
    return channels[row], (channels[row] >> shift << shift) + local


def _fronts(state: State) -> tuple[IntArray, IntArray, IntArray]:
    """As :func:`fronts`, and who else owns these outputs (-1: nobody)."""
    channels, outs = fronts(state)
    shift = 3 + state.constant("VSHIFT")
    first = channels >> shift << shift
    owner = state.field("OWNER")[outs]
    is_other = (owner >= 0) & (owner != channels - first)
    return channels, outs, np.where(is_other, first + owner, -1)


class RouterViews(Sequence[ArrayRouter]):
    """Views of all routers, made when asked for; ``name`` puts a packet into words."""

    def __init__(self, fabric: Fabric, state: State, name: Callable[[int], str]) -> None:
        self._fabric, self._state, self._name = fabric, state, name
        self._made: dict[int, ArrayRouter] = {}

    def __len__(self) -> int:
        return self._fabric.n_routers

    def __getitem__(self, number: Any) -> Any:
        if number not in self._made:
            self._made[number] = ArrayRouter(number, self._fabric, self._state, self._name)
        return self._made[number]


class ArrayCore:
    """One core's part of the cores' :class:`State`, a ``neurosim.engines.waits.CoreView``."""

    def __init__(self, index: int, n_vcs: int, state: State) -> None:
        self._index = index
        self._vcs = n_vcs
        self._may_receive = bool(state.constant("RECEIVE_DURING_UPDATE"))
        self._field = {
            name: state.field(name)
            for name in ("RX_WHOLE", "LOOPING", "STALLED_SINCE", "TX_LENGTH", "TX_CREDITS", "RX_LENGTH")
        }

    def _value(self, field: str) -> int:
        return int(self._field[field][self._index])

    @property
    def input_blocked(self) -> bool:
        """A whole packet waits only because the neuron loop is not done."""
        if self._may_receive or not self._value("LOOPING"):
            return False
        return bool(self._field["RX_WHOLE"][self._index, : self._vcs].any())

    @property
    def is_stalled(self) -> bool:
        """The neuron loop waits for room in the transmit FIFO."""
        return self._value("STALLED_SINCE") >= 0

    def transmit_state(self) -> tuple[int, int]:
        """(flits, credits) of the transmit FIFO."""
        return self._value("TX_LENGTH"), self._value("TX_CREDITS")

    def received(self, vc: int) -> int:
        """Flits in the receive FIFO of ``vc``."""
        return int(self._field["RX_LENGTH"][self._index, vc])
