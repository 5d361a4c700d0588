"""Routers under the router rules: a stranger's with valid/ready, and our own as if it were a stranger's."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from neurosim.chip.loader import edit_chip, load_chip
from neurosim.rtl.flits import flit_layout
from neurosim.rtl.header import FILE_NAME, header_text
from rtl_models import toolchain
from rtl_models.traffic import PAYLOAD
from tests.rtl.dut_cases import check, first_of, write
from tests.rtl.needs import needs

needs("iverilog", "cocotb")

EXAMPLE = Path(toolchain.HERE) / "examples/handshake_router"
SIDES = ("east", "north", "west", "south", "local")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("rtl_models.dut.verify.write_waveform", lambda *_: None)  # test_dut_example has it


def stranger(folder: Path, *replaced: str, **changes) -> Path:
    """The example's router, texts replaced (old, new, old, new ...), with its adapter."""
    text = (EXAMPLE / "handshake_router.v").read_text()
    for old, new in zip(replaced[::2], replaced[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    (folder / "handshake_router.v").write_text(text)
    adapter = YAML(typ="safe").load((EXAMPLE / "adapter.yaml").read_text())
    changes = {"stimuli__cases": 1, "stimuli__words": 80, "limits__cycles": 1500, **changes}
    return write(folder, adapter, **changes)


@pytest.mark.parametrize("equality", ["order", "per_step_set"])
def test_the_example_keeps_the_weaker_demands(tmp_path, equality):
    assert check(stranger(tmp_path, against__equality=equality)).is_good


def field_of(table) -> tuple[str, str]:
    """Kind of the first difference and what was expected."""
    first = table.bad.first
    return first.field, first.expected


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("last <= winner", "last <= winner == 3'd4 ? 3'd0 : winner + 3'd1", "ready"),  # skips one
        ("count != 3'd4", "count != 3'd3", "ready"),  # a FIFO of three
        pytest.param("free = ~full | ready_out[k]", "free = ~full", "word", marks=pytest.mark.slow),  # no transfer
        pytest.param("last <= winner", "last <= last", "word", marks=pytest.mark.slow),  # fixed priority
        ("to_x > my_x ? 3'd0", "to_x >= my_x ? 3'd0", "word"),  # routing
    ],
    ids=["pointer", "depth", "bubble", "priority", "route"],
)
def test_a_wrong_cycle_is_seen(tmp_path, old, new, field):
    row = check(stranger(tmp_path, old, new)).bad
    assert (row.first.field, row.differences, row.is_stopped) == (field, 1, True)


def test_order_forgives_time_but_not_the_wrong_port_or_order(tmp_path):
    order = {"against__equality": "order"}
    assert check(stranger(tmp_path, "count != 3'd4", "count != 3'd3", **order)).is_good
    assert check(stranger(tmp_path, "last <= 3'd4", "last <= 3'd3", **order)).is_good
    wrong_port = check(stranger(tmp_path, "to_y < my_y ? 3'd3 : 3'd4", "to_y < my_y ? 3'd4 : 3'd3", **order))
    assert wrong_port.bad.first.component in ("south_out", "local_out")
    stack = check(stranger(tmp_path, "front[k] = slot[first]", "front[k] = slot[count == 3'd3 ? first ^ 2'd1 : first]", **order))
    assert first_of(stack).startswith("seed 1, cycle")
    assert "one of: " in first_of(stack) or "(from '" in first_of(stack)


def test_a_word_that_a_router_loses_is_missed(tmp_path):
    lost = ("valid[k] = full", "valid[k] = full & ~lost", "free = ~full",
            "lost = k == 4 & word[15:4] >= 12'd320, free = ~full | lost")  # those of the last port
    first = check(stranger(tmp_path, *lost, against__equality="order")).bad.first
    assert (first.component, first.got) == ("local_out", "no further word")
    assert first.expected.startswith("x 1, y 2, packet 3")
    assert "(from 'west_in', taken in cycle" in first.expected
    assert 0 < first.n_different < 20


def ours(folder: Path, flits: int = 1, credits: int = 4, **changes) -> Path:
    """Our own router of a chip with ``flits`` flits a packet, described as a stranger's."""
    edits = {"packet.flits": flits, "router.buffer_flits": 4, "mesh.width": 3, "mesh.height": 3, "host": None}
    chip = edit_chip(load_chip("tiny"), edits)
    (folder / FILE_NAME).write_text(header_text(chip, PAYLOAD))
    for path in toolchain.hdl_sources():
        shutil.copy(path, folder)
    inputs = re.findall(r"^ +input +wire (?:\[.*\] )?(\w+)", (folder / "aer_router.v").read_text(), re.M)
    driven = ("clk", "rst", "in_valid", "in_flit", "credit_in")
    ties = {name: int(name in "xy") for name in inputs if name not in driven}
    layout = flit_layout(chip, PAYLOAD)
    ports = {}
    for number, side in enumerate(SIDES):
        word = f"[{(number + 1) * layout.bits - 1}:{number * layout.bits}]"
        fields = [{"name": f.name, "bits": f.bits} for f in layout.fields]
        common = {"side": side, "protocol": "credit", "fields": fields, "credits": 4}
        inward = {"valid": f"in_valid[{number}]", "data": f"in_flit{word}", "credit": f"credit_out[{number}]"}
        outward = {"valid": f"out_valid[{number}]", "data": f"out_flit{word}", "credit": f"credit_in[{_bit(flits, number)}]"}
        ports[f"{side}_in"] = {"direction": "in", "signals": inward, **common}
        ports[f"{side}_out"] = {"direction": "out", "signals": outward, **common}
    adapter = {
        "schema_version": 1, "name": "ours", "kind": "router",
        "design": {
            "sources": ["[!n]*.v"], "include_dirs": ["."], "top": "aer_router",
            "parameters": {"LOCAL_CREDITS": credits},
        },
        "clock": {"port": "clk"}, "reset": {"port": "rst"},
        "ties": {**ties, **_unused(flits)},
        "ports": ports,
        "against": {
            "equality": "exact_cycle", "router": {"chip": "tiny", "set": edits, "x": 1, "y": 1},
        },
        "stimuli": {"cases": 1, "words": 60, "rate": 0.5, "stall": 0.4},
        "limits": {"cycles": 5000, "idle_cycles": 300},
    }  # fmt: skip
    return write(folder, adapter, **changes)


def _bit(flits: int, port: int) -> int:
    """The lowest bit of a port's number of returned credits."""
    return port * flits.bit_length()


def _unused(flits: int) -> dict[str, int]:
    return {f"credit_in[{_bit(flits, port) + 1}]": 0 for port in range(5)} if flits > 1 else {}


@pytest.mark.parametrize("flits", [1, 2])
def test_our_own_router_passes_as_a_stranger(tmp_path, flits):
    table = check(ours(tmp_path, flits))
    assert (table.is_good, table.rows[0].packets) == (True, 2 * 5 * 60 * flits)


def test_a_credit_in_the_wrong_cycle_is_seen(tmp_path):
    table = check(ours(tmp_path, against__router__credit_cycles=2))
    assert (table.bad.first.field, table.bad.first.expected, table.bad.first.got) == ("word", "nothing", "a credit")
