"""The text of a good chip file, for tests that spoil it, and what its loader says."""

from __future__ import annotations

import pytest

from neurosim.chip.loader import load_chip_text
from neurosim.errors import InputError
from neurosim.rules.events import EVENT_NAMES

PRICE = "{value: 1.5, unit: pJ, evidence: assumed, source: guess}"

GOOD = (
    """\
schema_version: 1
name: sample
description: A chip for the tests of messages.
provenance: {evidence: assumed, source: invented}
cycle: {period_ps: 1000}
mesh: {width: 4, height: 4}
packet: {flits: 1}
router:
  virtual_channels: 1
  buffer_flits: 4
  hop_cycles: {east_west: 3, north_south: 3, local: 3}
  credit_cycles: 2
  injection_cycles: 1
  arbiter: round_robin
core:
  neurons: 64
  axons: 256
  target_entries: 512
  synapse_words: 4096
  word_bits: 32
  axon_header_words: 1
  index_bits: 8
  weight_bits: [4, 8]
  membrane_bits: 24
  current_bits: 24
  accumulator_bits: 20
  bias_bits: 16
  rx_flits: 8
  tx_flits: 8
  decode_cycles: 2
  words_per_cycle: 1
  update_cycles: {active: 2, idle: 1}
  spike_cycles: 1
  target_cycles: 1
host: {x: 0, y: 0, side: west, latency_cycles: 4, cycles_per_flit: 1, credit_cycles: 4}
energy:
  static_power_per_chip: {value: null, unit: mW, evidence: assumed, source: unknown}
  events:
"""
    + "".join(f"    {name}: {PRICE}\n" for name in EVENT_NAMES)
)


def message(text: str, where: str = "chip.yaml") -> str:
    with pytest.raises(InputError) as caught:
        load_chip_text(text, where)
    assert caught.value.exit_code == 2
    return str(caught.value)
