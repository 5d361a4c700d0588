"""Which multicast trees there are: the most traversals saved by the entries and numbers that the chip has.

Reads wishes (who would send one packet to which cores, how often) and unicast ways; writes trees.  Wishes for
the same leaves share a tree, also from several senders, where their packets never need to leave a router by
different ports.  The wishes that save the most traversals per entry come first; one that meets a full router
does without the destinations that need an entry there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mapper.route.branches import Branching, Ways, without
from neurosim.artefacts.tree_table import TreeTable, make_trees

Leaves = tuple[tuple[int, int], ...]
"""(core, axon) of every leaf, by ascending core."""

PER_ENTRY, IN_ALL = "per entry", "in all"
"""Orders in which wishes are granted: by the traversals saved per entry, or, if numbers run out, in all."""

FULL_ROUTERS = "full routers"
NO_NUMBERS = "no tree number left"
NO_TREE = "ways that meet twice"
NOTHING_SAVED = "no shared link"
ALIKE_AT_MOST = 64  # trees with the same leaves that a sender tries to share


@dataclass(frozen=True)
class Wish:
    """``spikes`` packets per sample from ``source`` to the axons ``leaves`` plus that of the packet.

    ``packets`` is the number of different packets (neurons) that this is for.
    """

    source: int
    leaves: Leaves
    spikes: float
    packets: int


@dataclass(frozen=True)
class Grant:
    """What became of a wish: its tree serves ``cores``; ``tree`` -1: none.  ``why`` others are left out."""

    tree: int
    cores: tuple[int, ...]
    saved: int
    why: str | None


@dataclass
class _Tree:
    leaves: Leaves
    masks: dict[int, int]
    entries: set[int]


class Trees:
    """Trees so far, and the room that is left for more."""

    def __init__(self, ways: Ways) -> None:
        chip = ways.fabric.chip
        assert chip.router.multicast_entries is not None
        assert chip.packet.tree_bits is not None
        self.ways = ways
        self.room = [chip.router.multicast_entries] * ways.fabric.n_routers
        self.numbers = 1 << chip.packet.tree_bits
        self._trees: list[_Tree] = []
        self._alike: dict[Leaves, list[int]] = {}

    def grant(self, wishes: Sequence[Wish], order: str) -> list[Grant]:
        """What becomes of each wish, the best ones first."""
        ranked = sorted(range(len(wishes)), key=lambda k: (*self._rank(wishes[k], order), k))
        grants = dict[int, Grant]()
        for k in ranked:
            grants[k] = self._one(wishes[k])
        return [grants[k] for k in range(len(wishes))]

    def table(self) -> TreeTable:
        """All trees as a program carries them."""
        entries = {
            (router, number): tree.masks[router]
            for number, tree in enumerate(self._trees) for router in tree.entries
        }  # fmt: skip
        leaves = {
            (number, core): axon for number, tree in enumerate(self._trees) for core, axon in tree.leaves
        }
        return make_trees(entries, leaves)

    def _rank(self, wish: Wish, order: str) -> tuple[float, float, int, Leaves]:
        found = self.ways.branching(wish.source, tuple(core for core, _ in wish.leaves))
        share = max(1, len(found.entries)) if order == PER_ENTRY else 1
        return (
            -wish.spikes * found.saved / share, -wish.packets * found.saved / share, wish.source, wish.leaves,
        )  # fmt: skip

    def _one(self, wish: Wish) -> Grant:
        """The largest tree that can be had for a wish."""
        why = None
        cores = tuple(core for core, _ in wish.leaves)
        while True:
            found = self.ways.branching(wish.source, cores)
            if found.beside:
                why = why or NO_TREE
                cores = found.cores
                continue
            if found.saved <= 0:
                return Grant(-1, (), 0, why or NOTHING_SAVED)
            leaves = _leaves(wish, cores)
            number = self._shared(leaves, found)
            if number is not None:
                break
            full = [r for r in found.entries if not self.room[r]]
            if not full and len(self._trees) == self.numbers:
                return Grant(-1, (), 0, NO_NUMBERS)
            if not full:
                number = self._new(leaves, found)
                break
            why = FULL_ROUTERS
            cores = without(self.ways, wish.source, cores, full)
        return Grant(number, cores, found.saved, why)

    def _shared(self, leaves: Leaves, found: Branching) -> int | None:
        """Let the sender share one of the trees with these leaves, for the fewest entries; its number."""
        best: tuple[int, int] | None = None
        for number in self._alike.get(leaves, [])[:ALIKE_AT_MOST]:
            tree = self._trees[number]
            more = found.entries - tree.entries
            if any(tree.masks.get(router, mask) != mask for router, mask in found.masks.items()):
                continue
            if all(self.room[router] for router in more):
                best = min(best or (len(more), number), (len(more), number))
        if best is None:
            return None
        self._enter(best[1], found)
        return best[1]

    def _new(self, leaves: Leaves, found: Branching) -> int:
        number = len(self._trees)
        self._trees.append(_Tree(leaves, {}, set()))
        self._alike.setdefault(leaves, []).append(number)
        self._enter(number, found)
        return number

    def _enter(self, number: int, found: Branching) -> None:
        tree = self._trees[number]
        for router in found.entries - tree.entries:
            self.room[router] -= 1
        tree.entries |= found.entries
        tree.masks |= found.masks


def _leaves(wish: Wish, cores: tuple[int, ...]) -> Leaves:
    """The leaves of a wish on ``cores``, the least axon 0."""
    kept = [(core, axon) for core, axon in wish.leaves if core in cores]
    least = min(axon for _, axon in kept)
    return tuple((core, axon - least) for core, axon in kept)
