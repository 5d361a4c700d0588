"""The presets hold the published numbers; these are written here again, independently of the YAML."""

import itertools
from collections import Counter

import networkx as nx
import pytest

from neurosim.chip.capacity import CoreCapacity, tile_capacity
from neurosim.chip.catalogue import preset_names, provenance_rows, step_sync_cycles, summary, totals
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.chip.provenance import DEFAULT, leaves, numeric_leaves
from neurosim.fabric.topology import build_fabric
from neurosim.rules.events import EVENTS
from neurosim.rules.sync import barrier_cycles

PRESETS = preset_names()


def test_all_promised_presets_are_there():
    assert PRESETS == (
        "darwin3", "darwinwafer", "loihi_2018", "tiny", "tiny_2x2", "tiny_2x2_gateway", "tiny_2x2_gateway_vc",
        "tiny_multicast",
    )  # fmt: skip


@pytest.mark.parametrize("name", PRESETS)
def test_every_number_has_a_source_given_in_the_file(name):
    chip = load_chip(name)
    assert chip.name == name
    plain = chip.model_dump(exclude={"schema_version", "energy", "provenance"})
    numbers = {
        ".".join(map(str, path)) for path, value in leaves(plain)
        if type(value) in (int, float)
    }  # fmt: skip
    assert len(numbers) > 40
    assert numbers <= set(chip.provenance)
    assert [path for path in numbers if chip.provenance[path] == DEFAULT] == []
    for note in chip.provenance.values():
        assert len(note.source) > 5


@pytest.mark.parametrize("name", PRESETS)
def test_every_event_is_priced_or_null_with_a_source(name):
    energy = load_chip(name).energy
    assert set(energy.events) == set(EVENTS)
    for figure in [*energy.events.values(), energy.static_power_per_chip]:
        assert figure.source
        assert figure.evidence == "assumed" or figure.value is not None
        assert figure.value != 0, "an unknown price is null, never 0"


def energy_pj(name: str) -> dict[str, float | None]:
    return {event: figure.value for event, figure in load_chip(name).energy.events.items()}


def test_loihi_table_2():
    chip = load_chip("loihi_2018")

    def ns(cycles: int) -> float:
        return round(cycles * chip.cycle.period_ps / 1000, 6)

    hop, core = chip.router.hop_cycles, chip.core
    assert not chip.cycle.is_clock
    assert (ns(hop.east_west), ns(hop.north_south), ns(hop.local)) == (4.1, 6.5, 2.1)
    assert ns(core.cycles_per_synapse) == 3.5
    assert (ns(core.update_cycles.active), ns(core.update_cycles.idle)) == (8.4, 5.3)
    assert (core.update_cycles.active, core.update_cycles.idle) == (84, 53)
    prices = energy_pj("loihi_2018")
    assert {event: price for event, price in prices.items() if price is not None} == {
        "flit_hop_east_west": 3.0,
        "flit_hop_north_south": 4.0,
        "flit_hop_local": 1.7,
        "synaptic_operation": 23.6,
        "neuron_update_active": 81,
        "neuron_update_idle": 52,
    }
    assert chip.energy.static_power_per_chip.si() == pytest.approx(3.34 / 32, rel=0.005)
    published = chip.provenance["core.update_cycles.active"]
    assert (published.evidence, "pre-silicon" in published.conditions) == ("published", True)


def test_loihi_cross_section_bandwidth_is_met_but_not_passed():
    router, period = load_chip("loihi_2018").router, load_chip("loihi_2018").cycle.period_ps
    gspikes = 1000 / (router.cycles_per_flit * period)
    assert 0.95 * 3.44 < gspikes <= 3.44
    round_trip = max(router.hop_cycles.east_west, router.hop_cycles.north_south) + router.credit_cycles
    assert router.buffer_flits * router.cycles_per_flit >= round_trip


@pytest.mark.parametrize(("tiles", "nanoseconds"), [(1, 113), (32, 465)])
def test_loihi_barrier(tiles, nanoseconds):
    sync, period = load_chip("loihi_2018").sync, load_chip("loihi_2018").cycle.period_ps
    cycles = barrier_cycles(
        tiles, sync.tile_tree_arity, sync.tile_level_cycles, sync.base_cycles, 1, sync.chip_tree_arity,
        sync.chip_level_cycles,
    )  # fmt: skip
    assert cycles * period == nanoseconds * 1000


@pytest.mark.parametrize(("chips", "microseconds", "tolerance"), [(256, 14.3, 0.001), (768, 16.2, 0.03)])
def test_loihi_barrier_over_chips(chips, microseconds, tolerance):
    sync, period = load_chip("loihi_2018").sync, load_chip("loihi_2018").cycle.period_ps
    cycles = barrier_cycles(
        32, sync.tile_tree_arity, sync.tile_level_cycles, sync.base_cycles, chips, sync.chip_tree_arity,
        sync.chip_level_cycles,
    )  # fmt: skip
    assert cycles * period / 1e6 == pytest.approx(microseconds, rel=tolerance)


def test_loihi_size():
    chip = load_chip("loihi_2018")
    total, core = totals(chip), chip.core
    assert (chip.mesh.width, chip.mesh.height, chip.mesh.cores_per_tile) == (8, 4, 4)
    assert (total.neuron_cores, total.neurons) == (128, 131_072)
    assert (core.neurons, core.axons, core.target_entries) == (1024, 4096, 4096)
    assert core.synapse_words * core.word_bits == 128 * 1024 * 8
    assert max(core.weight_bits) == 9


def test_the_wafer_is_64_of_these_chips_and_says_what_is_assumed():
    chip, one = load_chip("darwinwafer"), load_chip("darwin3")
    total = totals(chip)
    assert (chip.n_chips, total.neuron_cores, total.neurons) == (64, 36_800, 150_732_800)
    assert chip.core == one.core
    assert chip.core_types == one.core_types
    rows = {row.path: row for row in provenance_rows(chip)}
    links = [row for path, row in rows.items() if path.startswith("link.")]
    assert len(links) == 4
    assert all(row.evidence == "assumed" for row in links)
    assert rows["energy.events.synaptic_operation"].value == "4.9"
    assert rows["energy.events.flit_chip_crossing"].value == "not priced"


def test_darwin3_size():
    chip = load_chip("darwin3")
    total = totals(chip)
    assert (chip.mesh.width, chip.mesh.height) == (24, 24)
    assert (total.neuron_cores, total.neurons) == (575, 2_355_200)
    kinds = Counter(tile_capacity(chip, x, y).kind for x in range(24) for y in range(24))
    assert kinds == {"riscv": 1, "big": 287, "little": 288}
    assert total.synapse_bits == (287 * 65_536 + 288 * 8_192) * 48  # 1.016 Gbit
    assert (chip.reach.x_hops, chip.reach.y_hops) == (15, 15)
    assert (chip.packet.flits, chip.core.word_bits, chip.core.state_words_per_neuron) == (2, 48, 1)
    assert sum(field.bits for field in chip.packet.fields) == 2 * 32
    assert chip.core.axons == 2**15
    assert (chip.core.membrane_bits, chip.core.accumulator_bits) == (16, 16)


@pytest.mark.parametrize(
    ("x", "y", "kind", "words"),
    [(0, 1, "big", 65_536), (1, 0, "big", 65_536), (2, 0, "little", 8_192), (23, 5, "little", 8_192)],
)
def test_darwin3_tiles(x, y, kind, words):
    assert tile_capacity(load_chip("darwin3"), x, y) == CoreCapacity(4096, words, 32_768, 12_288, True, kind)


def test_darwin3_riscv_node_holds_nothing():
    assert tile_capacity(load_chip("darwin3"), 0, 0) == CoreCapacity(0, 0, 0, 0, False, "riscv")


def test_darwin3_time_and_energy():
    chip = load_chip("darwin3")
    assert chip.cycle.period_ps == round(1e12 / 333e6)
    assert chip.sync.mode == "tick"
    assert step_sync_cycles(chip) * chip.cycle.period_ps == pytest.approx(0.5e9, rel=1e-5)
    cycles = {model: chip.core.update_cycles_of(model).active for model in ("if", "lif", "cuba_lif")}
    assert cycles == {"if": 5, "lif": 9, "cuba_lif": 9}
    assert step_sync_cycles(chip) > 4096 * 9, "a full core's updates fit into a tick"
    priced = {event: price for event, price in energy_pj("darwin3").items() if price is not None}
    assert priced == {"synaptic_operation": 5.47}
    assert chip.energy.events["synaptic_operation"].evidence == "measured"
    assert chip.energy.static_power_per_chip.value is None


def test_darwin3_axon_memory_agrees_with_the_published_fan_out():
    assert tile_capacity(load_chip("darwin3"), 1, 1).target_entries * 4096 / 16_384 == 3072


def test_all_in_figures_are_checks_and_never_prices():
    assert {check.name: check.value for check in load_chip("darwin3").energy.checks} == {
        "wafer power per chip": 1.56,
        "wafer energy per synaptic operation": 4.9,
        "wafer peak rate per chip": 1.0,
    }
    assert load_chip("loihi_2018").energy.checks[0].value == 29.7


def test_tiny_is_the_contracts_reference_point():
    router = load_chip("tiny").router
    hop = router.hop_cycles
    assert (hop.east_west, hop.north_south, hop.local) == (3, 3, 3)
    assert (router.credit_cycles, router.injection_cycles, router.buffer_flits) == (2, 1, 4)
    assert (router.virtual_channels, router.arbiter, router.routing) == (1, "round_robin", "xy")
    assert load_chip("tiny").packet.flits == 1


@pytest.mark.parametrize("name", ["tiny_2x2", "tiny_2x2_gateway", "tiny_2x2_gateway_vc"])
def test_the_square_systems_are_four_tiny_chips(name):
    def same(chip):
        parts = chip.model_dump(
            exclude={"name", "description", "system", "link", "router", "energy", "provenance"}
        )
        return parts, chip.router.hop_cycles, chip.router.buffer_flits, chip.router.credit_cycles

    tiny, square = load_chip("tiny"), load_chip(name)
    assert same(tiny) == same(square)
    assert (square.system.chips_x, square.system.chips_y) == (2, 2)
    assert totals(square).neurons == 4 * totals(tiny).neurons


def test_the_two_gateway_systems_differ_in_their_channels_only():
    one, two = load_chip("tiny_2x2_gateway"), load_chip("tiny_2x2_gateway_vc")
    rest = {"virtual_channels", "vc_policy"}
    assert one.router.model_dump(exclude=rest) == two.router.model_dump(exclude=rest)
    assert (two.router.virtual_channels, two.router.vc_policy) == (2, "crossings")
    assert one.link == two.link


def cyclic_parts(chip) -> list[int]:
    """Sizes of the cyclic parts of the channel dependency graph of all core pairs."""
    fabric = build_fabric(chip)
    graph = nx.DiGraph()
    for source, target in itertools.product(range(fabric.n_cores), repeat=2):
        links = [(router, out, vc) for router, _, _, out, vc in fabric.walk(source, target)]
        nx.add_path(graph, [("inject", source), *links])
    return sorted(len(part) for part in nx.strongly_connected_components(graph) if len(part) > 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("tiny", []), ("tiny_2x2", []), ("tiny_2x2_gateway", [16, 16]), ("tiny_2x2_gateway_vc", [])],
)
def test_channel_dependency_graph(name, expected):
    assert cyclic_parts(load_chip(name)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("row", "column"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_every_mid_side_gateway_gives_two_cyclic_parts(row, column):
    gateways = {"link.gateways.row": row, "link.gateways.column": column}
    assert cyclic_parts(edit_chip(load_chip("tiny_2x2_gateway"), gateways)) == [16, 16]
    assert cyclic_parts(edit_chip(load_chip("tiny_2x2_gateway_vc"), gateways)) == []


def test_summary_of_tiny():
    assert summary(load_chip("tiny")) == [
        ("name", "tiny"),
        ("description", "A 4 x 4 mesh of small cores with a 1 ns clock, made to be read, not to resemble a"
                        " product."),
        ("chips", "1 x 1"),
        ("tiles per chip", "4 x 4, 1 core each"),
        ("cycle", "1 ns"),
        ("neuron cores", "16"),
        ("neurons", "1\u202f024"),
        ("synapse memory", "16\u202f384 words of 32 bits = 524\u202f288 bits"),
        ("weights", "4, 8 bits"),
        ("packet", "1 flit"),
        ("routing", "xy, 1 virtual channel of 4 flits"),
        ("reach", "everywhere"),
        ("time step", "barrier, 12 cycles = 12 ns"),
        ("priced events", "10 of 13"),
    ]  # fmt: skip


def test_summary_says_reach_tick_and_resolution():
    assert dict(summary(load_chip("darwin3")))["reach"] == "x 15, y 15 hops"
    assert dict(summary(load_chip("darwin3")))["time step"] == "tick, 166\u202f500 cycles = 500\u202f000 ns"
    assert dict(summary(load_chip("loihi_2018")))["cycle"] == "0.1 ns (a resolution, not a clock)"


@pytest.mark.parametrize("name", PRESETS)
def test_provenance_rows_show_every_number(name):
    chip = load_chip(name)
    rows = provenance_rows(chip)
    plain = [row for row in rows if not row.path.startswith("energy.")]
    shown = [value for row in plain for value in row.value.split(", ")]
    assert sorted(shown) == sorted(str(value) for _, value in numeric_leaves(chip))
    assert all(row.source and row.evidence for row in rows)
    null = [event for event, figure in chip.energy.events.items() if figure.value is None]
    unpriced = [row.path for row in rows if row.value == "not priced"]
    static = ["energy.static_power_per_chip"] if name.startswith("darwin") else []
    assert sorted(unpriced) == sorted([f"energy.events.{event}" for event in null] + static)


def test_provenance_rows_in_detail():
    rows = {row.path: row for row in provenance_rows(load_chip("loihi_2018"))}
    row = rows["router.hop_cycles.east_west"]
    assert (row.value, row.unit, row.evidence) == ("41", "cycles", "published")
    assert row.source == "Davies et al., IEEE Micro 38(1):82-99, 2018, Table 2"
    assert rows["core.weight_bits"].value == "2, 3, 4, 5, 6, 7, 8, 9"
    assert rows["energy.events.synaptic_operation"].value == "23.6"
    assert rows["energy.checks: idle power of one chip"].unit == "mW"


def test_core_types_keep_what_they_do_not_change():
    kinds = ({"name": "big", "tiles": [[1, 2]], "neurons": 99, "axons": 7, "target_entries": 0},)
    chip = edit_chip(load_chip("tiny"), {"core_types": kinds})
    assert tile_capacity(chip, 1, 2) == CoreCapacity(99, 1024, 7, 0, True, "big")
    assert tile_capacity(chip, 2, 1) == CoreCapacity(64, 1024, 256, 512, True, "base")


def test_capacity_takes_global_coordinates():
    kinds = ({"name": "dead", "tiles": [[3, 0]], "is_neuron_core": False},)
    chip = edit_chip(load_chip("tiny_2x2"), {"core_types": kinds})
    dead = [(x, y) for x in range(8) for y in range(8) if not tile_capacity(chip, x, y).is_neuron_core]
    assert dead == [(3, 0), (3, 4), (7, 0), (7, 4)]
    assert totals(chip).neuron_cores == 60
