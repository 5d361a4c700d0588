"""What a change of a chip in Python, or by ``set`` of an adapter, is refused for: the words of chip files."""

from __future__ import annotations

import pytest

from neurosim.chip.loader import edit_chip, load_chip
from neurosim.errors import InputError

EDITS = {  # changes, message
    "range": (
        {"router.buffer_flits": 0},
        "edit of chip 'tiny': 'router.buffer_flits' is out of range [chip-edit]\n"
        "  expected: a whole number from 1 to 4096\n  got: 0",
    ),
    "type": (
        {"router.virtual_channels": "two"},
        "edit of chip 'tiny': 'router.virtual_channels' has the wrong type [chip-edit]\n"
        "  expected: a whole number from 1 to 4\n  got: 'two'",
    ),
    "choice": (
        {"core.overflow.membrane": "wrapp"},
        "edit of chip 'tiny': 'core.overflow.membrane' has an unknown value [chip-edit]\n"
        "  expected: one of saturate, wrap\n  got: 'wrapp'\n  hint: did you mean 'wrap'?",
    ),
    "unknown key": (
        {"router.virtual_chanels": 1},
        "edit of chip 'tiny': unknown key 'virtual_chanels' in 'router' [chip-edit]\n"
        "  hint: did you mean 'virtual_channels'?",
    ),
    "unknown section": (
        {"routr.virtual_channels": 1},
        "edit of chip 'tiny': no section 'routr' for 'routr.virtual_channels' [chip-edit]\n"
        "  hint: did you mean 'router'?",
    ),
    "section that is not there": (
        {"link.gateways.row": 0},
        "edit of chip 'tiny': no section for 'link.gateways.row' [chip-edit]\n  hint: give the whole section",
    ),
    "missing keys": (
        {"host": {"x": 0, "y": 0, "side": "west"}},
        "edit of chip 'tiny': missing keys 'latency_cycles', 'cycles_per_flit', 'credit_cycles' in 'host' "
        "[chip-edit]",
    ),
    "list": (
        {"core.weight_bits": 8},
        "edit of chip 'tiny': 'core.weight_bits' has the wrong type [chip-edit]\n"
        "  expected: a list of at least one value\n  got: 8",
    ),
    "length": (
        {"defects": {"cores": [[0, 0]]}},
        "edit of chip 'tiny': 'defects.cores.0' has the wrong length [chip-edit]\n"
        "  expected: a list of exactly 3 values\n  got: a list of 2",
    ),
    "neuron model": (
        {"core.update_cycles_by_model": {"liff": {"active": 1, "idle": 1}}},
        "edit of chip 'tiny': unknown key 'liff' in 'core.update_cycles_by_model' [chip-edit]\n"
        "  hint: did you mean 'lif'?",
    ),
    "contradiction": (
        {"router.vc_policy": "crossings"},
        "edit of chip 'tiny': router.vc_policy 'crossings' needs 2 virtual_channels [chip-edit]",
    ),
}


@pytest.mark.parametrize("name", sorted(EDITS))
def test_exact_text(name: str) -> None:
    changes, expected = EDITS[name]
    with pytest.raises(InputError) as caught:
        edit_chip(load_chip("tiny"), changes)
    assert str(caught.value) == expected
