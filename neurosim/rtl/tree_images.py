"""Images of the routers' multicast entries: words of the Verilog's tree_table, and where their fields lie.

Reads a fabric with multicast trees; writes macros for the parameter header and one file of hexadecimal words
per router, as long as its memory.  What a leaf adds to the axon stands in the word of the leaf's router.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program
from neurosim.chip.models import Chip
from neurosim.fabric.topology import Fabric
from neurosim.fabric.trees import arrivals, leaves
from neurosim.rtl.flits import FlitField, FlitLayout
from neurosim.rtl.words import Layout, refusal, write_table
from neurosim.rules.ports import LOCAL


def macros(chip: Chip, layout: FlitLayout) -> dict[str, int]:
    """Slots of a table (at least one, so that there is a memory to name), its words' layout, and the flit's.

    A chip without multicast has them too, of the least size, for modules that it does not build.
    """
    word, axon = _layout(chip, layout), _axon(layout)
    found = {"TREE_SLOTS": chip.router.multicast_entries or 1} | word.macros("TREE")
    found |= {"TREE_BITS": word.bits, "FLIT_LEAF_LSB": axon.lsb, "FLIT_LEAF_BITS": axon.bits}
    if chip.packet.tree_bits is None:
        found |= {"FLIT_KEY_LSB": 0, "FLIT_KEY_BITS": 1, "FLIT_TREE_LSB": 0, "FLIT_TREE_BITS": 1}
    return found


def tree_words(fabric: Fabric, layout: FlitLayout, router: int) -> list[int]:
    """The words of one router's entries, padded with 0 to its memory's length.

    Raises:
        InputError: an axon has too many bits.
    """
    chip, word, words = fabric.chip, _layout(fabric.chip, layout), []
    for tree, mask in _entries(fabric, router):
        axons = 0
        for slot, axon in _leaves(fabric, router, tree):
            _check_axon(axon, layout)
            axons |= axon << slot * _axon(layout).bits
        words.append(word.pack("program.trees", used=1, key=tree, ports=mask, axons=axons))
    return words + [0] * ((chip.router.multicast_entries or 0) - len(words))


def check_axons(program: Program, layout: FlitLayout) -> None:
    """Refuse what the flit cannot carry.

    Raises:
        InputError: the axon for which a tree's packet arrives has too many bits.
    """
    for table in (program.host, *(core.targets for core in program.cores)):
        sends = table.core < HOST
        _, _, axon = arrivals(program.trees, table.core[sends], table.axon[sends])
        _check_axon(int(axon.max(initial=0)), layout)


def _check_axon(axon: int, layout: FlitLayout) -> None:
    bits = _axon(layout).bits
    if axon >= 1 << bits:
        what = f"a packet of a tree arrives for axon {axon}; a flit has {bits} bits for it"
        raise refusal("program.trees", what)


def write_tree_images(fabric: Fabric, layout: FlitLayout, folder: Path) -> None:
    """``router_<n>.tree_table.hex`` for every router in ``folder``; nothing if routers have no multicast.

    Raises:
        InputError: as :func:`tree_words`.
    """
    if fabric.chip.router.multicast_entries is None:
        return
    for router in range(fabric.n_routers):
        write_table(folder, router, "tree_table", tree_words(fabric, layout, router))


def _layout(chip: Chip, layout: FlitLayout) -> Layout:
    """The fields of a word; ``axons``: of LOCAL ports, then the host."""
    cores = chip.mesh.cores_per_tile
    ends = cores + int(chip.host is not None)
    axons = ends * _axon(layout).bits
    key = chip.packet.tree_bits or 1
    return Layout((("ports", LOCAL + cores), ("axons", axons), ("key", key), ("used", 1)))


def _axon(layout: FlitLayout) -> FlitField:
    """The field to which a leaf adds: the axon; of raw traffic, which has no leaves, all of the payload."""
    return next(
        (field for field in layout.fields if field.name == "axon"),
        next(field for field in layout.fields if field.lsb == layout.payload_lsb),
    )


def _entries(fabric: Fabric, router: int) -> Iterator[tuple[int, int]]:
    """(tree, mask of ports) of a router, ascending."""
    trees = fabric.trees
    if trees is None:
        return
    first, last = fabric.first_branching[router : router + 2].tolist()
    yield from zip(trees.tree[first:last].tolist(), trees.ports[first:last].tolist(), strict=True)


def _leaves(fabric: Fabric, router: int, tree: int) -> Iterator[tuple[int, int]]:
    """(place in the word, axon to add) of the leaves at ``router``."""
    trees, cores = fabric.trees, fabric.chip.mesh.cores_per_tile
    assert trees is not None
    mine = leaves(trees, tree)
    for core, axon in zip(trees.leaf_core[mine].tolist(), trees.leaf_axon[mine].tolist(), strict=True):
        if fabric.tile_of(core) == router:
            yield cores if core == HOST else core % cores, axon
