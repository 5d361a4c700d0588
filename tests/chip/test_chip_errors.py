"""Every single mistake in a chip file gives its exact text: place, what, expected, got, hint."""

import pytest

from neurosim.chip.loader import load_chip_text
from tests.helpers.chip_text import GOOD, PRICE, message

WHOLE_4096 = "a whole number from 1 to 4096"

# id: (text to replace, replacement, message without the leading "chip.yaml:")
CASES = {
    "zero depth": (
        "buffer_flits: 4", "buffer_flits: 0",
        "10:17: 'router.buffer_flits' is out of range [chip-out-of-range]\n"
        f"  expected: {WHOLE_4096}\n  got: 0",
    ),
    "too large": (
        "buffer_flits: 4", "buffer_flits: 1e4",
        f"10:17: 'router.buffer_flits' has the wrong type [chip-wrong-type]\n  expected: {WHOLE_4096}\n"
        "  got: 10000.0",
    ),
    "a size that would fill the memory": (
        "width: 4", "width: 99999999",
        "6:15: 'mesh.width' is out of range [chip-out-of-range]\n"
        "  expected: a whole number from 1 to 1024\n  got: 99999999",
    ),
    "misspelt key": (
        "buffer_flits: 4", "bufer_flits: 4",
        "10:3: unknown key 'bufer_flits' in 'router' [chip-unknown-key]\n"
        "  hint: did you mean 'buffer_flits'?",
    ),
    "unknown key without a neighbour": (
        "cycle: {period_ps: 1000}", "cycle: {period_ps: 1000, zzz: 3}",
        "5:26: unknown key 'zzz' in 'cycle' [chip-unknown-key]\n  expected: one of period_ps, is_clock",
    ),
    "unknown section": (
        "host: {x", "hosts: {x",
        "35:1: unknown key 'hosts' at the top level [chip-unknown-key]\n  hint: did you mean 'host'?",
    ),
    "missing key": (
        "  credit_cycles: 2\n", "",
        "8:1: missing key 'credit_cycles' in 'router' [chip-missing-key]\n"
        "  expected: a whole number, at least 1",
    ),
    "several missing keys": (
        "  neurons: 64\n  axons: 256\n", "",
        "15:1: missing keys 'neurons', 'axons' in 'core' [chip-missing-key]",
    ),
    "missing section": (
        "packet: {flits: 1}\n", "",
        "1:1: missing key 'packet' at the top level [chip-missing-key]\n"
        "  expected: a section (keys with values)",
    ),
    "text for a number": (
        "neurons: 64", "neurons: many",
        "16:12: 'core.neurons' has the wrong type [chip-wrong-type]\n"
        "  expected: a whole number, at least 1\n  got: 'many'",
    ),
    "a quoted number": (
        "neurons: 64", 'neurons: "64"',
        "16:12: 'core.neurons' has the wrong type [chip-wrong-type]\n"
        "  expected: a whole number, at least 1\n  got: '64'",
    ),
    "true for a number": (
        "neurons: 64", "neurons: true",
        "16:12: 'core.neurons' has the wrong type [chip-wrong-type]\n"
        "  expected: a whole number, at least 1\n  got: true",
    ),
    "number for a price as text": (
        f"barrier: {PRICE}", "barrier: {value: '2', unit: pJ, evidence: assumed, source: guess}",
        "51:22: 'energy.events.barrier.value' has the wrong type [chip-wrong-type]\n"
        "  expected: a number, at least 0\n  got: '2'",
    ),
    "negative price": (
        f"barrier: {PRICE}", "barrier: {value: -2, unit: pJ, evidence: assumed, source: guess}",
        "51:22: 'energy.events.barrier.value' is out of range [chip-out-of-range]\n"
        "  expected: a number, at least 0\n  got: -2",
    ),
    "section for a number": (
        "neurons: 64", "neurons: {count: 64}",
        "16:12: 'core.neurons' has the wrong type [chip-wrong-type]\n"
        "  expected: a whole number, at least 1\n  got: a section with the keys count",
    ),
    "number for a section": (
        "mesh: {width: 4, height: 4}", "mesh: 4",
        "6:7: 'mesh' has the wrong type [chip-wrong-type]\n"
        "  expected: a section (keys with values)\n  got: 4",
    ),
    "list item out of range": (
        "weight_bits: [4, 8]", "weight_bits: [4, 80]",
        "23:20: 'core.weight_bits.1' is out of range [chip-out-of-range]\n"
        "  expected: a whole number from 2 to 16\n  got: 80",
    ),
    "annotated list item out of range": (
        "weight_bits: [4, 8]", "weight_bits: {value: [4, 80], evidence: assumed, source: x}",
        "23:28: 'core.weight_bits.1' is out of range [chip-out-of-range]\n"
        "  expected: a whole number from 2 to 16\n  got: 80",
    ),
    "annotated value out of range": (
        "buffer_flits: 4", "buffer_flits: {value: 0, evidence: assumed, source: x}",
        "10:25: 'router.buffer_flits' is out of range [chip-out-of-range]\n"
        f"  expected: {WHOLE_4096}\n  got: 0",
    ),
    "empty list": (
        "weight_bits: [4, 8]", "weight_bits: []",
        "23:16: 'core.weight_bits' has the wrong length [chip-length]\n"
        "  expected: a list of at least one value\n  got: an empty list",
    ),
    "tile that is no pair": (
        "host: {x", "core_types: [{name: odd, tiles: [[1]]}]\nhost: {x",
        "35:34: 'core_types.0.tiles.0' has the wrong length [chip-length]\n"
        "  expected: a list of exactly 2 values\n  got: a list of 1",
    ),
    "unknown choice": (
        "arbiter: round_robin", "arbiter: roundrobin",
        "14:12: 'router.arbiter' has an unknown value [chip-bad-choice]\n"
        "  expected: one of round_robin, fixed_priority, one_winner_per_router\n  got: 'roundrobin'\n"
        "  hint: did you mean 'round_robin'?",
    ),
    "other schema version": (
        "schema_version: 1", "schema_version: 2",
        "1:17: 'schema_version' has an unknown value [chip-bad-choice]\n  expected: 1\n  got: 2",
    ),
    "bad name": (
        "name: sample", "name: My chip",
        "2:7: 'name' has a character that is not allowed [chip-bad-name]\n"
        "  expected: lower-case letters, digits and _\n  got: 'My chip'",
    ),
    "unknown neuron model": (
        "update_cycles: {active: 2, idle: 1}",
        "update_cycles: {active: 2, idle: 1}\n  update_cycles_by_model: {alif: {active: 3, idle: 2}}",
        "33:28: unknown key 'alif' in 'core.update_cycles_by_model' [chip-unknown-key]\n"
        "  hint: did you mean 'lif'?",
    ),
    "unknown event": (
        f"    barrier: {PRICE}", f"    barier: {PRICE}",
        "51:5: unknown event 'barier' [chip-inconsistent]\n  hint: did you mean 'barrier'?",
    ),
    "event without a price": (
        f"    barrier: {PRICE}\n", "",
        "38:3: no price (not even null) for event 'barrier' [chip-inconsistent]",
    ),
    "duplicate key": (
        "  axons: 256\n", "  axons: 256\n  axons: 512\n",
        "18:3: key 'axons' stands twice in the same section [chip-duplicate-key]\n"
        "  got: the first is in line 17",
    ),
    "not a number": (
        "neurons: 64", "neurons: .nan",
        "16:12: not a finite number [chip-not-finite]\n"
        "  expected: a number, or null if unknown\n  got: .nan",
    ),
    "number beyond double precision": (
        "value: null, unit: mW", "value: 1e999, unit: mW",
        "37:34: not a finite number [chip-not-finite]\n"
        "  expected: a number, or null if unknown\n  got: 1e999",
    ),
    "YAML syntax": (
        "mesh: {width: 4, height: 4}", "mesh: {width: 4, height: 4",
        "7:7: not valid YAML: expected ',' or '}', but got ':' [chip-yaml]\n"
        "  hint: check indentation (spaces, not tabs), quotes and brackets near here",
    ),
    "tab": (
        "  virtual_channels: 1", "\tvirtual_channels: 1",
        "9:1: not valid YAML: found character '\\t' that cannot start any token [chip-yaml]\n"
        "  hint: check indentation (spaces, not tabs), quotes and brackets near here",
    ),
    "tag": (
        "neurons: 64", "neurons: !size 64",
        "16:12: YAML tags have no meaning here [chip-tag]\n  got: !size\n  hint: leave the tag out",
    ),
    "alias of itself": (
        "weight_bits: [4, 8]", "weight_bits: &again [*again]",
        "23:16: nested too deeply or too large [chip-too-deep]",
    ),
    "alias of itself, twice": (
        "weight_bits: [4, 8]", "weight_bits: &again [*again, *again]",
        "23:16: nested too deeply or too large [chip-too-deep]",
    ),
    "number without a source": (
        "provenance: {evidence: assumed, source: invented}\ncycle: {period_ps: 1000}",
        "cycle: {period_ps: 1000}",
        "4:20: number 'cycle.period_ps' has no source [chip-no-provenance]\n"
        "  expected: {value, evidence, source}, or 'provenance' in a section around it\n",
    ),
    "unknown evidence": (
        "evidence: assumed, source: invented", "evidence: assume, source: invented",
        "4:24: 'provenance.evidence' has an unknown value [chip-bad-choice]\n"
        "  expected: one of measured, published, derived, assumed\n  got: 'assume'\n"
        "  hint: did you mean 'assumed'?",
    ),
    "provenance without source": (
        "evidence: assumed, source: invented", "evidence: assumed",
        "4:1: missing key 'source' in 'provenance' [chip-missing-key]\n  expected: text",
    ),
    "empty source": (
        "source: invented", "source: ''",
        "4:41: 'provenance.source' is empty [chip-empty-text]\n  expected: text\n  got: ''",
    ),
    "provenance is text": (
        "provenance: {evidence: assumed, source: invented}", "provenance: invented",
        "4:1: 'provenance' has the wrong type [chip-wrong-type]\n"
        "  expected: a section with evidence, source and conditions",
    ),
    "misspelt provenance of one value": (
        "neurons: 64", "neurons: {value: 64, evidnce: assumed, source: x}",
        "16:24: unknown key 'evidnce' in 'core.neurons' [chip-unknown-key]\n"
        "  hint: did you mean 'evidence'?",
    ),
    "host outside": (
        "host: {x: 0, y: 0", "host: {x: 9, y: 0",
        "35:1: host lies at (9, 0), outside the 4x4 tiles [chip-inconsistent]",
    ),
    "host inside": (
        "host: {x: 0, y: 0", "host: {x: 1, y: 0",
        "35:20: host.side 'west' of tile (1, 0) is not a border [chip-inconsistent]",
    ),
    "several chips without a link": (
        "mesh: {width: 4, height: 4}", "system: {chips_x: 2}\nmesh: {width: 4, height: 4}",
        "6:1: a system of several chips needs a 'link' section [chip-inconsistent]",
    ),
    "policy without channels": (
        "arbiter: round_robin", "vc_policy: dateline",
        "14:3: router.vc_policy 'dateline' needs 2 virtual_channels [chip-inconsistent]",
    ),
    "gateways missing": (
        "arbiter: round_robin", "routing: hierarchical_xy",
        "14:3: router.routing 'hierarchical_xy' and link.gateways go together [chip-inconsistent]",
    ),
    "torus routing on a mesh": (
        "arbiter: round_robin", "routing: torus_xy",
        "14:3: router.routing 'torus_xy' and mesh.topology 'torus' go together [chip-inconsistent]",
    ),
    "FIFO below a packet": (
        "packet: {flits: 1}", "packet: {flits: 16}",
        "28:3: core.rx_flits must hold a whole packet of 16 flits [chip-inconsistent]",
    ),
    "index too narrow": (
        "index_bits: 8", "index_bits: 5",
        "22:3: core.index_bits 5 cannot number 64 neurons in a sparse synapse [chip-inconsistent]",
    ),
    "tick without period": (
        "host: {x", "sync: {mode: tick}\nhost: {x",
        "35:8: sync.mode 'tick' needs tick_period_cycles [chip-inconsistent]",
    ),
    "core type outside": (
        "host: {x", "core_types: [{name: odd, tiles: [[1, 7]]}]\nhost: {x",
        "35:26: core type 'odd': tile (1, 7) is outside the mesh [chip-inconsistent]",
    ),
    "core type remainder": (
        "host: {x", "core_types: [{name: odd, x_modulus: 2, x_remainders: [2]}]\nhost: {x",
        "35:40: core type 'odd': a remainder is not below x_modulus 2 [chip-inconsistent]",
    ),
    "core type half a rule": (
        "host: {x", "core_types: [{name: odd, x_modulus: 2}]\nhost: {x",
        "35:14: core type 'odd': x_modulus and x_remainders go together [chip-inconsistent]",
    ),
}  # fmt: skip


def test_the_good_text_is_good():
    chip = load_chip_text(GOOD, "chip.yaml")
    assert (chip.mesh.width, chip.core.weight_bits, chip.router.hop_cycles.local) == (4, (4, 8), 3)


@pytest.mark.parametrize("case", sorted(CASES))
def test_one_mistake(case):
    old, new, expected = CASES[case]
    assert GOOD.count(old) == 1, "the case must change exactly one place"
    got = message(GOOD.replace(old, new))
    if expected.endswith("\n"):  # more of the same kind follow
        assert got.startswith(f"chip.yaml:{expected}")
    else:
        assert got == f"chip.yaml:{expected}"
