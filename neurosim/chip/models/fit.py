"""Whether the sections of a description fit together; the first that does not is named.

Reads a :class:`~neurosim.chip.models.Chip` whose sections are sound each by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.chip.models.base import Side, misfit
from neurosim.chip.packet_fields import narrow_field

if TYPE_CHECKING:
    from neurosim.chip.models.chip import Chip
    from neurosim.chip.models.defects import DeadLink, Defects
    from neurosim.chip.models.fabric import Host


def check_fit(chip: Chip) -> None:
    """Raise for the first pair of sections that contradict each other.

    Raises:
        PydanticCustomError: with the dotted path of what is to be changed (:func:`misfit`).
    """
    _check_layout(chip)
    _check_router(chip)
    _check_multicast(chip)
    _check_queues(chip)
    _check_core(chip)
    _check_packet_fields(chip)
    if chip.host:
        _check_host(chip, chip.host)
    if chip.defects is not None:
        _check_defects(chip, chip.defects)


def _check_layout(chip: Chip) -> None:
    if chip.n_chips > 1 and chip.link is None:
        raise misfit("system", "a system of several chips needs a 'link' section")
    if chip.n_chips > 1 and chip.mesh.topology == "torus":
        raise misfit("mesh.topology", "mesh.topology 'torus' is for one chip, not for several")
    torus = chip.mesh.topology == "torus"
    if torus != (chip.router.routing == "torus_xy"):
        raise misfit("router.routing", "router.routing 'torus_xy' and mesh.topology 'torus' go together")


def _check_router(chip: Chip) -> None:
    gateways = chip.link.gateways if chip.link else None
    if (chip.router.routing == "hierarchical_xy") != (gateways is not None):
        raise misfit("router.routing", "router.routing 'hierarchical_xy' and link.gateways go together")
    if gateways and (gateways.row >= chip.mesh.height or gateways.column >= chip.mesh.width):
        raise misfit("link.gateways", "link.gateways lie outside the chip's mesh")
    if chip.router.vc_policy != "zero" and chip.router.virtual_channels < 2:
        raise misfit(
            "router.vc_policy", f"router.vc_policy '{chip.router.vc_policy}' needs 2 virtual_channels"
        )


def _check_multicast(chip: Chip) -> None:
    if (chip.router.multicast_entries is None) != (chip.packet.tree_bits is None):
        missing = "packet.tree_bits" if chip.packet.tree_bits is None else "router.multicast_entries"
        raise misfit(
            "router" if missing.startswith("router") else "packet",
            "router.multicast_entries and packet.tree_bits go together",
            f"add {missing}",
        )
    if chip.router.multicast_entries is None:
        return
    if chip.packet.flits > 1:
        raise misfit(
            "router.multicast_entries",
            f"router.multicast_entries needs packets of one flit, not of {chip.packet.flits}: copies of a "
            "longer packet that hold some outputs and wait for others can deadlock on any mesh",
            "set packet.flits to 1, or leave router.multicast_entries and packet.tree_bits out",
        )
    if chip.router.drop_after_cycles is not None:
        raise misfit(
            "router.multicast_entries",
            "router.multicast_entries and router.drop_after_cycles exclude each other: what is dropped of a "
            "packet that has reached some of its destinations is not modelled",
            "leave one of them out",
        )


def _check_queues(chip: Chip) -> None:
    for name in ("rx_flits", "tx_flits"):
        if getattr(chip.core, name) < chip.packet.flits:
            raise misfit(f"core.{name}", f"core.{name} must hold a whole packet of {chip.packet.flits} flits")


def _check_core(chip: Chip) -> None:
    core = chip.core
    twice = sorted({bits for bits in core.weight_bits if core.weight_bits.count(bits) > 1})
    if twice:
        raise misfit("core.weight_bits", f"core.weight_bits names {twice[0]} more than once")
    if "sparse" in core.synapse_formats and core.neurons > 2**core.index_bits:
        raise misfit(
            "core.index_bits",
            f"core.index_bits {core.index_bits} cannot number {core.neurons} neurons"
            " in a sparse synapse",
        )
    for number, kind in enumerate(chip.core_types):
        here = f"core_types.{number}"
        for x, y in kind.tiles:
            if x >= chip.mesh.width or y >= chip.mesh.height:
                raise misfit(
                    f"{here}.tiles", f"core type '{kind.name}': tile ({x}, {y}) is outside the mesh"
                )
        if (kind.x_modulus is None) != (not kind.x_remainders):
            raise misfit(here, f"core type '{kind.name}': x_modulus and x_remainders go together")
        if kind.x_modulus is not None and max(kind.x_remainders) >= kind.x_modulus:
            raise misfit(
                f"{here}.x_remainders",
                f"core type '{kind.name}': a remainder is not below x_modulus {kind.x_modulus}",
            )


def _check_packet_fields(chip: Chip) -> None:
    system, mesh, reach = chip.system, chip.mesh, chip.reach
    tiles = {"x": system.chips_x * mesh.width, "y": system.chips_y * mesh.height}
    ring = mesh.topology == "torus"
    hops = {}
    for axis, limit in (("x", reach.x_hops), ("y", reach.y_hops)):
        farthest = tiles[axis] // 2 if ring else tiles[axis] - 1
        hops[axis] = farthest if limit is None else min(limit, farthest)
    narrow = narrow_field([(field.name, field.bits) for field in chip.packet.fields], tiles, hops)
    if narrow:
        raise misfit(f"packet.fields.{narrow[0]}.bits", narrow[1])


def _check_host(chip: Chip, host: Host) -> None:
    width = chip.system.chips_x * chip.mesh.width
    height = chip.system.chips_y * chip.mesh.height
    if host.x >= width or host.y >= height:
        raise misfit(
            "host", f"host lies at ({host.x}, {host.y}), outside the {width}x{height} tiles"
        )
    if chip.mesh.topology == "torus" and (
        (width if host.side in ("east", "west") else height) > 1
    ):
        raise misfit("host.side", f"host.side '{host.side}' is taken by a ring link of the torus")
    at_border = {
        "east": host.x == width - 1,
        "west": host.x == 0,
        "north": host.y == height - 1,
        "south": host.y == 0,
    }[host.side]
    if not at_border:
        raise misfit(
            "host.side", f"host.side '{host.side}' of tile ({host.x}, {host.y}) is not a border"
        )


def _check_defects(chip: Chip, defects: Defects) -> None:
    width, height = chip.system.chips_x * chip.mesh.width, chip.system.chips_y * chip.mesh.height
    places = [
        *((f"cores.{i}", at[:2], "core") for i, at in enumerate(defects.cores)),
        *((f"routers.{i}", at, "router") for i, at in enumerate(defects.routers)),
        *((f"links.{i}", (at.x, at.y), "link") for i, at in enumerate(defects.links)),
        *((f"chips.{i}", at, "chip") for i, at in enumerate(defects.chips)),
    ]
    for path, (x, y), what in places:
        most = (chip.system.chips_x, chip.system.chips_y) if what == "chip" else (width, height)
        if x >= most[0] or y >= most[1]:
            raise misfit(
                f"defects.{path}",
                f"a dead {what} lies at ({x}, {y}), outside the {most[0]}x{most[1]} "
                + ("chips" if what == "chip" else "tiles"),
            )
    for number, (x, y, k) in enumerate(defects.cores):
        if k >= chip.mesh.cores_per_tile:
            raise misfit(
                f"defects.cores.{number}",
                f"dead core {k} of tile ({x}, {y}): a tile has cores 0 to {chip.mesh.cores_per_tile - 1}",
            )
    for name in ("cores", "routers", "chips"):
        _check_once(name, getattr(defects, name))
    for number, link in enumerate(defects.links):
        _check_dead_link(chip, f"defects.links.{number}", link)
    _check_once(
        "links", [link.from_west_or_south(width, height) for link in defects.links],
        "a link is dead both ways: name it from one of its two tiles",
    )  # fmt: skip
    if chip.host is not None:
        at = (chip.host.x, chip.host.y)
        on_chip = (at[0] // chip.mesh.width, at[1] // chip.mesh.height)
        if at in defects.routers or on_chip in defects.chips:
            raise misfit(
                "defects",
                f"defects contradict the host: it hangs on router ({at[0]}, {at[1]}), which is dead",
                "move the host to a router that works",
            )


def _check_once(name: str, parts: Sequence[object], hint: str | None = None) -> None:
    for number, part in enumerate(parts):
        if part in parts[:number]:
            raise misfit(
                f"defects.{name}.{number}", f"defects.{name} names the same part twice", hint,
                got=f"entries {parts.index(part)} and {number}, counted from 0",
                first=f"defects.{name}.{parts.index(part)}",
            )  # fmt: skip


def _check_dead_link(chip: Chip, path: str, link: DeadLink) -> None:
    at = f"the {link.side} side of tile ({link.x}, {link.y})"
    host = chip.host
    if host is not None and (host.x, host.y, host.side) == (link.x, link.y, link.side):
        raise misfit(
            path,
            f"defects contradict the host: it hangs on {at}, whose link is dead",
            "move the host, or take this link out of defects.links",
            expected="a link other than the host's",
            got=f"the host's link, {at}",
        )
    if not has_link(chip, link.x, link.y, link.side):
        raise misfit(
            path,
            f"a dead link lies at {at}, where there is no link",
            "x and y count tiles over all chips, from 0 in the south-west",
            expected="a side of a tile behind which lies another tile, linked to it",
            got=at,
        )


def has_link(chip: Chip, x: int, y: int, side: Side) -> bool:
    """Whether a link leads from tile ``(x, y)`` of the system, defects aside, to another on that side."""
    mesh, gateways = chip.mesh, chip.link.gateways if chip.link else None
    along_x = side in ("east", "west")
    place, size = (x, mesh.width) if along_x else (y, mesh.height)
    n_chips = chip.system.chips_x if along_x else chip.system.chips_y
    goal = place + (1 if side in ("east", "north") else -1)
    if not 0 <= goal < size * n_chips:
        return mesh.topology == "torus" and size > 1
    if goal // size == place // size or gateways is None:
        return True
    return y % mesh.height == gateways.row if along_x else x % mesh.width == gateways.column
