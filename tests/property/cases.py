"""Random systems that are meant to hurt: crowded, scattered over chips, too slow for their deadlines."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from mapper import MapOptions, compile_network
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable
from neurosim.chip.loader import chip_digest, dump_chip, edit_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, Workload
from neurosim.errors import DoesNotFitError
from neurosim.fabric.topology import build_fabric
from tests.helpers.chips import make_chip
from tests.helpers.routes import random_table, spare_links
from tests.helpers.traffic import uniform
from tests.helpers.tree_programs import with_trees
from tests.property.networks import networks

KINDS = ("mesh", "ring", "chips", "gateway", "deadly", "dropping")
"""What a case is about; each gets as many examples, because Hypothesis may favour one for a whole run."""
MOST_TILES = 64
ARBITERS = ("round_robin", "fixed_priority", "one_winner_per_router")


@dataclass(frozen=True)
class Case:
    """A program for ``chip``, its input and how to run it."""

    chip: Chip
    program: Program
    workload: Workload
    options: RunOptions


@dataclass(frozen=True)
class TrafficCase:
    """Raw traffic on ``chip``."""

    chip: Chip
    traffic: Traffic
    options: RunOptions
    max_cycles: int


@st.composite
def fabrics(draw, kind: str):
    """Parts of a chip for ``make_chip``: mesh, ring or several chips; "deadly" ones deadlock under load."""
    flits = draw(st.integers(1, 3))
    hops, short = st.integers(1, 6), st.integers(1, 3)
    router: dict[str, Any] = {
        "virtual_channels": draw(st.integers(1, 3)), "buffer_flits": draw(st.integers(1, 5)),
        "credit_cycles": draw(st.integers(1, 4)), "injection_cycles": draw(short),
        "cycles_per_flit": draw(st.integers(1, 2)),
        "hop_cycles": {"east_west": draw(hops), "north_south": draw(hops), "local": draw(hops)},
        "arbiter": draw(st.sampled_from(ARBITERS)), "routing": draw(st.sampled_from(("xy", "yx"))),
    }  # fmt: skip
    if kind == "dropping":
        router |= {"drop_after_cycles": draw(st.integers(1, 8)), "buffer_flits": draw(st.integers(1, 2))}
    elif kind != "deadly" and draw(st.integers(0, 3)) == 0:
        router["drop_after_cycles"] = draw(st.integers(1, 30))
    if draw(st.integers(0, 2)) == 0:
        router["table_entries"] = MOST_TILES
    parts: dict[str, Any] = {
        "width": draw(st.integers(1, 3)), "height": draw(st.integers(1, 3)),
        "cores_per_tile": draw(st.integers(1, 3)), "flits": flits,
    }  # fmt: skip
    if kind in ("chips", "gateway"):
        parts["chips"] = draw(st.sampled_from(((2, 1), (1, 2), (2, 2), (3, 1))))
        parts["link"] = {
            "latency_cycles": draw(st.integers(0, 5)), "synchroniser_cycles": draw(st.integers(0, 2)),
            "cycles_per_flit": draw(st.integers(1, 4)), "credit_cycles": draw(st.integers(1, 5)),
        }  # fmt: skip
    has_two = kind in ("ring", "gateway") and draw(st.integers(0, 5)) > 0  # VCs in use, not only there
    if has_two:
        router["virtual_channels"] = draw(st.integers(2, 3))
    if kind == "gateway":
        parts["link"]["gateways"] = {
            "row": draw(st.integers(0, parts["height"] - 1)),
            "column": draw(st.integers(0, parts["width"] - 1)),
        }
        router["routing"] = "hierarchical_xy"
        if has_two:
            router["vc_policy"] = "crossings"
    if kind in ("ring", "deadly"):
        parts |= {"width": draw(st.integers(5, 7)), "height": 1, "topology": "torus"}
        router["routing"] = "torus_xy"
        if kind == "deadly":
            router["buffer_flits"] = draw(st.integers(1, 2))
        elif has_two:
            router["vc_policy"] = "dateline"
    return {"router": router, **parts}


@st.composite
def hosts(draw, parts: dict[str, Any]):
    """A host at any border port of the system."""
    chips = parts.get("chips", (1, 1))
    width, height = parts["width"] * chips[0], parts["height"] * chips[1]
    sides = ("north", "south") if "topology" in parts else ("north", "south", "east", "west")
    side = draw(st.sampled_from(sides))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x = {"east": width - 1, "west": 0}.get(side, x)
    y = {"north": height - 1, "south": 0}.get(side, y)
    return {
        "x": x, "y": y, "side": side, "latency_cycles": draw(st.integers(1, 5)),
        "cycles_per_flit": draw(st.integers(1, 3)), "credit_cycles": draw(st.integers(1, 5)),
    }  # fmt: skip


@st.composite
def chips(draw, kind: str):
    """A whole chip, with small cores so that networks spread, and room for at least six."""
    parts = draw(fabrics(kind))
    flits, short = parts["flits"], st.integers(0, 2)
    core = {
        "neurons": draw(st.integers(4, 16)), "axons": 300, "target_entries": 4096, "synapse_words": 8192,
        "memory_ports": draw(st.integers(1, 2)), "max_delay_steps": draw(st.integers(2, 3)),
        "rx_flits": flits + draw(st.integers(0, 3)), "tx_flits": flits + draw(st.integers(0, 2)),
        "decode_cycles": draw(short), "words_per_cycle": draw(st.integers(1, 2)),
        "cycles_per_synapse": draw(st.integers(0, 1)), "cycles_per_word": draw(st.integers(1, 2)),
        "spike_cycles": draw(short), "target_cycles": draw(st.integers(1, 3)),
        "update_cycles": {"active": draw(st.integers(1, 5)), "idle": draw(st.integers(1, 2))},
        "receive_during_update": kind != "deadly" and draw(st.integers(0, 3)) > 0,
    }  # fmt: skip
    timing = {"base_cycles": draw(st.integers(0, 9)), "chip_level_cycles": draw(short)}
    timing["tile_level_cycles"] = draw(short)
    if draw(st.integers(0, 2)) == 0:
        timing |= {"mode": "tick", "tick_period_cycles": draw(st.sampled_from((20, 60, 200)))}
    while _cores(parts) < 6:
        parts["width"] += 1
    return make_chip(core=core, host=draw(hosts(parts)), sync=timing, **parts)


def _cores(parts: dict[str, Any]) -> int:
    chips_x, chips_y = parts.get("chips", (1, 1))
    return parts["width"] * parts["height"] * parts["cores_per_tile"] * chips_x * chips_y


def scattered(program: Program, chip: Chip, seed: int) -> Program:
    """``program`` for ``chip`` with its cores shuffled over all places: every placement must run."""
    places = np.random.default_rng(seed).permutation(build_fabric(chip).n_cores)
    used = [core.core for core in program.cores]
    moved = dict(zip(used, places[: len(used)].tolist(), strict=True)) | {HOST: HOST}

    def table(old: TargetTable) -> TargetTable:
        core = np.array([moved[int(c)] for c in old.core], np.int64)
        return dataclasses.replace(old, core=core)

    cores = [
        dataclasses.replace(core, core=moved[core.core], targets=table(core.targets))
        for core in program.cores
    ]
    return dataclasses.replace(
        program, cores=tuple(sorted(cores, key=lambda core: core.core)), host=table(program.host),
        chip_yaml=dump_chip(chip), chip_digest=chip_digest(chip),
    )  # fmt: skip


@st.composite
def tables(draw, chip: Chip):
    """The chip, now and then with dead links, and a routing table for every destination; None without tables."""
    if chip.router.table_entries is None:
        return chip, None
    seed = draw(st.integers(0, 10**6))
    if draw(st.booleans()) and chip.mesh.topology == "mesh":
        links = spare_links(build_fabric(chip), seed)
        chip = edit_chip(chip, {"defects": {"links": links}}) if links else chip
        return chip, random_table(build_fabric(chip), seed, share=1.0)
    return chip, random_table(build_fabric(chip), seed, share=draw(st.sampled_from((0.3, 1.0))))


@st.composite
def narrowed(draw, chip: Chip):
    """Now and then widths so small that sums leave them (the mapper would refuse them)."""
    if draw(st.integers(0, 3)):
        return chip
    overflow = st.sampled_from(("saturate", "wrap"))
    return edit_chip(
        chip,
        {
            "core.accumulator_bits": draw(st.integers(4, 6)), "core.membrane_bits": draw(st.integers(4, 8)),
            "core.current_bits": draw(st.integers(4, 8)), "core.overflow.membrane": draw(overflow),
            "core.overflow.accumulator": draw(overflow),
        },
    )  # fmt: skip


@st.composite
def inputs(draw, n_inputs: int):
    """One or two samples of spike counts, from none to several per input and step."""
    samples = draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = (samples, draw(st.integers(1, 4)), n_inputs)
    density = draw(st.sampled_from((0.1, 0.4, 0.9)))
    counts = rng.integers(1, draw(st.sampled_from((1, 2, 4))) + 1, shape) * (rng.random(shape) < density)
    return Workload(counts.astype(np.uint8), np.full(samples, -1), "random")


@st.composite
def trees(draw, program: Program, chip: Chip) -> tuple[Program, Chip]:
    """``program`` on ``chip``, which has packets of one flit, with multicast for all or half of the neurons."""
    chip = edit_chip(chip, {"router.multicast_entries": 4096, "packet.tree_bits": 12})
    program = dataclasses.replace(program, chip_yaml=dump_chip(chip), chip_digest=chip_digest(chip))
    if chip.defects is not None:
        return program, chip  # the rule's ways, of which trees are made here, may be cut
    every, omit_straight = draw(st.sampled_from((1, 1, 2))), draw(st.booleans())
    return with_trees(program, every, omit_straight), chip


@st.composite
def program_cases(draw, kind: str, multicast: bool | None = None) -> Case:
    """A random network, mapped, scattered over a random system, with random input of one or two samples.

    One in three, or all or none if ``multicast`` says so, sends to multicast trees.
    """
    network, chip = draw(networks(lively=True)), draw(chips(kind))
    if multicast is None:
        multicast = kind != "dropping" and draw(st.integers(0, 2)) == 0
    if multicast:
        chip = edit_chip(chip, {"packet.flits": 1, "router.drop_after_cycles": None})
    partitioner = draw(st.sampled_from(("tiling", "layer_order")))
    options = MapOptions(seed=0, partitioner=partitioner, placer="row_order", effort=0.05)
    try:
        mapping = compile_network(network, chip, options)
    except DoesNotFitError:
        assume(False)
    chip = draw(narrowed(chip))
    run = RunOptions(
        log_packets=True, check_every_cycles=draw(st.sampled_from((16, 100, 10_000))),
        max_step_cycles=150 if draw(st.integers(0, 7)) == 0 else 100_000,
    )  # fmt: skip
    chip, table = draw(tables(chip))
    program = scattered(mapping.program, chip, draw(st.integers(0, 10**6)))
    if multicast:
        program, chip = draw(trees(program, chip))
    program = dataclasses.replace(program, table=table)
    return Case(chip, program, draw(inputs(network.inputs[0].n)), run)


@st.composite
def traffic_cases(draw, kind: str, cycles: int = 60) -> TrafficCase:
    """Uniform traffic or a hot spot on a random fabric."""
    chip, table = draw(tables(make_chip(core={"rx_flits": 4, "tx_flits": 4}, **draw(fabrics(kind)))))
    fabric = build_fabric(chip)
    load = draw(st.sampled_from((0.3, 0.9) if kind == "deadly" else (0.02, 0.1, 0.3, 0.9)))
    traffic = uniform(fabric.n_cores, load, cycles, draw(st.integers(0, 10**6)))
    if draw(st.integers(0, 3)) == 0:
        traffic = Traffic(traffic.cycle, traffic.source, np.where(traffic.target % 2, 0, traffic.target))
    traffic = dataclasses.replace(traffic, table=table)
    options = RunOptions(check_every_cycles=draw(st.sampled_from((10, 64, 10_000))))
    return TrafficCase(chip, traffic, options, 70 if draw(st.integers(0, 7)) == 0 else 20_000)
