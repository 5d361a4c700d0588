"""Canonical text: any chip dumps to text that loads back equal; digests follow the content."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.chip.catalogue import preset_names
from neurosim.chip.loader import chip_digest, dump_chip, edit_chip, load_chip, load_chip_text
from neurosim.chip.models import Chip, Provenance
from neurosim.chip.provenance import DEFAULT, numeric_leaves
from neurosim.chip.schema import chip_schema
from neurosim.errors import InputError
from neurosim.rules.events import EVENT_NAMES

CHIPS = {name: load_chip(name) for name in preset_names()}


@pytest.mark.parametrize("name", sorted(CHIPS))
def test_presets_round_trip(name):
    chip = CHIPS[name]
    text = dump_chip(chip)
    again = load_chip_text(text, "dump")
    assert again == chip
    assert again.provenance == chip.provenance
    assert dump_chip(again) == text
    assert chip_digest(again) == chip_digest(chip)


def test_digests_differ():
    digests = [chip_digest(chip) for chip in CHIPS.values()]
    digests += [chip_digest(edit_chip(CHIPS["tiny"], {"router.buffer_flits": n})) for n in (3, 5)]
    digests.append(chip_digest(edit_chip(CHIPS["tiny"], {"description": "other"})))
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 64 for digest in digests)


def test_a_dump_says_a_shared_source_once():
    text = dump_chip(CHIPS["tiny"])
    assert text.count("invented for this teaching chip") == 2  # once for numbers, once as a price
    assert "\nprovenance: " in "\n" + text
    assert "  buffer_flits: 4\n" in text
    assert 'cycle:\n  period_ps: {value: 100, evidence: "derived", ' in dump_chip(CHIPS["loihi_2018"])


def test_small_prices_are_numbers_for_older_yaml_readers_too():
    price = {"value": 1e-7, "unit": "pJ", "evidence": "assumed", "source": "s"}
    chip = edit_chip(CHIPS["tiny"], {"energy.events.barrier": price})
    assert "barrier: {value: 1.0e-07, " in dump_chip(chip)


def test_order_of_keys_in_a_file_does_not_matter():
    chip = CHIPS["tiny"]
    head, _, energy = dump_chip(chip).partition("energy:\n")
    moved = "energy:\n" + energy + head
    assert load_chip_text(moved, "moved") == chip
    assert chip_digest(load_chip_text(moved, "moved")) == chip_digest(chip)


SOURCES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NUMBERS = {
    "router.buffer_flits": st.integers(1, 4096),
    "router.drop_after_cycles": st.none() | st.integers(1, 10**9),
    "router.hop_cycles.local": st.integers(1, 99),
    "core.weight_bits": st.lists(st.integers(2, 16), min_size=1, max_size=4, unique=True),
    "core.update_cycles_by_model": st.dictionaries(
        st.sampled_from(["if", "lif", "li"]),
        st.fixed_dictionaries({"active": st.integers(1, 9), "idle": st.integers(1, 9)}),
    ),
    "core_types": st.lists(
        st.fixed_dictionaries(
            {
                "name": SOURCES,
                "tiles": st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=2),
                "neurons": st.none() | st.integers(0, 64),
            }
        ),
        max_size=2,
    ),
    "packet.fields": st.lists(
        st.fixed_dictionaries({"name": SOURCES, "bits": st.integers(1, 32), "meaning": SOURCES}), max_size=3
    ),
    "reach": st.fixed_dictionaries({"x_hops": st.none() | st.integers(1, 15)}),
    "host": st.none(),
    "link": st.none(),
    "description": SOURCES,
}
PROVENANCES = st.builds(
    Provenance,
    evidence=st.sampled_from(["measured", "published", "derived", "assumed"]),
    source=SOURCES,
    conditions=st.just("") | SOURCES,
)
EDITS = st.fixed_dictionaries({}, optional=NUMBERS)
PRICES = st.none() | st.floats(0, 1e300, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(EDITS, st.lists(PROVENANCES, min_size=1, max_size=3), st.integers(0, 10**6), PRICES, SOURCES)
def test_any_valid_chip_round_trips(changes, notes, seed, price, source):
    chip = edit_chip(CHIPS["tiny"], changes, source)
    paths = [".".join(map(str, path)) for path, _ in numeric_leaves(chip)]
    known = {path: notes[(seed + 7 * i * i) % len(notes)] for i, path in enumerate(paths)}
    known["router.arbiter"] = notes[0]  # a word may have a source too
    figure = chip.energy.events["barrier"].model_copy(update={"value": price, "source": source})
    energy = chip.energy.model_copy(update={"events": {**chip.energy.events, "barrier": figure}})
    chip = chip.model_copy(update={"provenance": known, "energy": energy})
    again = load_chip_text(dump_chip(chip), "dump")
    assert again == chip
    assert again.provenance == known
    assert chip_digest(again) == chip_digest(chip)
    assert dump_chip(again) == dump_chip(chip)


def test_edits_mark_what_they_change():
    hop = {"east_west": 1, "north_south": 2, "local": 3}
    chip = edit_chip(CHIPS["loihi_2018"], {"router.hop_cycles": hop})
    note = chip.provenance["router.hop_cycles.local"]
    assert (note.evidence, note.source) == ("assumed", "set in Python")
    assert chip.provenance["router.cycles_per_flit"].evidence == "derived"
    assert CHIPS["loihi_2018"].router.hop_cycles.local == 21


def test_edits_drop_the_sources_of_what_is_gone():
    chip = edit_chip(CHIPS["tiny"], {"host": None})
    assert [path for path in chip.provenance if path.startswith("host")] == []
    assert load_chip_text(dump_chip(chip), "dump") == chip


def test_a_number_without_provenance_is_not_dumped():
    chip = CHIPS["tiny"]
    known = {path: note for path, note in chip.provenance.items() if path != "core.axons"}
    with pytest.raises(InputError) as caught:
        dump_chip(chip.model_copy(update={"provenance": known}))
    assert str(caught.value) == (
        "'core.axons' of chip 'tiny' has no provenance [chip-no-provenance]\n"
        "  hint: change chips with neurosim.chip.loader.edit_chip"
    )


SMALL = """\
schema_version: 1
name: small
description: d
provenance: {evidence: assumed, source: outer}
cycle: {period_ps: 1_000}
mesh: {width: 0x2, height: {value: 2, evidence: derived, source: own, conditions: here}}
packet: {flits: 1}
router:
  provenance: {evidence: published, source: inner}
  virtual_channels: 1
  buffer_flits: 4
  hop_cycles: {east_west: 1, north_south: 1, local: {value: 1, evidence: measured, source: own}}
  credit_cycles: 1
  injection_cycles: 1
  arbiter: {value: fixed_priority, evidence: assumed, source: guess}
core:
  {neurons: 4, axons: 4, target_entries: 4, synapse_words: 9, word_bits: 32, axon_header_words: 0,
  index_bits: 2, weight_bits: {value: [4, 8], evidence: derived, source: list}, membrane_bits: 16,
  current_bits: 16, accumulator_bits: 16, bias_bits: 8, rx_flits: 1, tx_flits: 1, decode_cycles: 0,
  words_per_cycle: 1, update_cycles: {active: 1, idle: 1}, spike_cycles: 0, target_cycles: 1}
energy:
  static_power_per_chip: {value: 1, unit: mW, evidence: assumed, source: s}
  events:
""" + "".join(
    f"    {name}: {{value: null, unit: pJ, evidence: assumed, source: s}}\n" for name in EVENT_NAMES
)


def test_the_nearest_provenance_wins():
    chip = load_chip_text(SMALL, "small.yaml")
    source = {path: note.source for path, note in chip.provenance.items()}
    assert source["cycle.period_ps"] == "outer"
    assert chip.provenance["mesh.height"] == Provenance(evidence="derived", source="own", conditions="here")
    assert source["router.buffer_flits"] == "inner"
    assert source["router.hop_cycles.east_west"] == "inner"
    assert source["router.hop_cycles.local"] == "own"
    assert source["router.arbiter"] == "guess"
    assert (source["core.weight_bits.0"], source["core.weight_bits.1"]) == ("list", "list")
    assert chip.router.arbiter == "fixed_priority"
    assert (chip.mesh.width, chip.cycle.period_ps) == (2, 1000)
    assert load_chip_text(dump_chip(chip), "dump") == chip


def test_a_number_left_out_is_listed_as_assumed_default():
    chip = load_chip_text(SMALL, "small.yaml")
    assert chip.router.cycles_per_flit == 1
    assert chip.provenance["router.cycles_per_flit"] == DEFAULT
    assert chip.provenance["sync.base_cycles"] == DEFAULT
    assert DEFAULT.evidence == "assumed"


def resolved(schema: dict, node: dict) -> dict:
    return schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node


def test_schema_allows_a_plain_and_a_noted_value():
    schema = chip_schema()
    json.dumps(schema)
    router = schema["$defs"]["Router"]["properties"]
    plain, noted = router["buffer_flits"]["anyOf"]
    assert plain == {"maximum": 4096, "minimum": 1, "type": "integer"}
    assert noted["properties"]["value"] == plain
    assert noted["required"] == ["value", "evidence", "source"]
    assert noted["properties"]["evidence"]["enum"] == ["measured", "published", "derived", "assumed"]
    assert router["hop_cycles"] == {"$ref": "#/$defs/HopCycles"}


def test_schema_allows_provenance_in_every_section_but_energy():
    schema = chip_schema()
    with_note = {name for name, part in schema["$defs"].items() if "provenance" in part["properties"]}
    assert set(schema["$defs"]) - with_note == {"Energy", "Figure", "CheckFigure", "Provenance"}
    assert schema["properties"]["provenance"] == {"$ref": "#/$defs/Provenance"}
    assert schema["additionalProperties"] is False


def test_schema_leaves_the_model_as_it_is():
    before = json.dumps(Chip.model_json_schema(), sort_keys=True)
    first, second = chip_schema(), chip_schema()
    assert first == second
    assert json.dumps(Chip.model_json_schema(), sort_keys=True) == before


def test_chips_are_frozen_and_chips_in_a_row_do_not_share():
    for a, b in itertools.combinations(sorted(CHIPS), 2):
        assert CHIPS[a] != CHIPS[b]
    with pytest.raises(ValueError, match="frozen"):
        CHIPS["tiny"].name = "x"
