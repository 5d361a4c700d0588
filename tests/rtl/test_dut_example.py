"""The worked example passes, and bugs planted in it are reported where a model of the bug says they show first."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from rtl_models import toolchain
from rtl_models.dut.core_model import CoreModel, declared_core
from rtl_models.dut.loading import load_adapter
from rtl_models.dut.models import Word
from rtl_models.dut.stimuli import make_stimuli
from tests.rtl.dut_cases import check, write
from tests.rtl.needs import needs

needs("iverilog", "cocotb")

EXAMPLE = Path(toolchain.HERE) / "examples/event_core"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def planted(folder: Path, *replaced: tuple[str, str], **changes) -> Path:
    """The example with texts replaced, its configuration bus at full speed, one case."""
    text = (EXAMPLE / "event_core.v").read_text()
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    (folder / "event_core.v").write_text(text)
    adapter = YAML(typ="safe").load((EXAMPLE / "adapter.yaml").read_text())
    adapter["configuration"][0]["spi"] |= {"half_period_cycles": 1, "gap_cycles": 3}
    return write(folder, adapter, stimuli__cases=1, **changes)


def spikes(path: Path, leak=15, strict=False, zero=True, mirrored=False) -> list[list[int]]:
    """The example in plain Python, with its bugs: the neurons that fire, by step."""
    loaded = load_adapter(path)
    tables = CoreModel(loaded, *declared_core(loaded, loaded.adapter.against.neuron)).tables()
    weight, threshold = tables["weight"].copy(), tables["threshold"]
    if mirrored:  # the four weights of a word in the wrong order
        weight = weight.reshape(-1, 4, 4)[:, :, ::-1].reshape(-1, 16)
    v, found = np.zeros(16, int), []
    for events in make_stimuli(loaded, loaded.adapter.stimuli.seed, None, tables).steps:
        for _, fields in events:
            v = v + weight[fields["axon"]]
        fires = v > threshold if strict else v >= threshold
        size = abs(v)
        leaked = np.sign(v) * (size - (size + leak) // 16)
        v = np.where(fires, 0 if zero else leaked, leaked)
        found.append(np.flatnonzero(fires).tolist())
    return found


def first_place(right: list[list[int]], wrong: list[list[int]]) -> tuple[str, str, str]:
    """Step and word where two lists of spikes part, and the neurons there."""
    for step, (one, other) in enumerate(zip(right, wrong, strict=True)):
        for word in range(max(len(one), len(other))):
            pair = [spiked[word] if word < len(spiked) else None for spiked in (one, other)]
            if pair[0] != pair[1]:
                texts = ["no further word" if n is None else f"neuron {n}, is_end 0" for n in pair]
                return f"step {step}, word {word}", texts[0], texts[1]
    raise AssertionError("the bug does not show")


def test_the_model_of_the_bugs_is_that_of_the_rules_without_them():
    """And the example is not silent."""
    loaded = load_adapter(EXAMPLE / "adapter.yaml")
    model = CoreModel(loaded, *declared_core(loaded, loaded.adapter.against.neuron))
    steps = make_stimuli(loaded, loaded.adapter.stimuli.seed, None, model.tables()).steps
    said = [
        [fields["neuron"] for _, fields in model.step(step, [Word(port, fields) for port, fields in events])]
        for step, events in enumerate(steps)
    ]
    assert said == spikes(EXAMPLE / "adapter.yaml")
    assert sum(map(len, said)) > 100


BUGS = {
    "strict comparison": ([("`ifdef PLANTED_BUG", "`ifndef PLANTED_BUG")], {"strict": True}),
    "leak rounds the wrong way": ([("size + 12'd15", "size")], {"leak": 0}),
    "no reset": ([("fires ? 12'sd0 : leaked", "leaked")], {"zero": False}),
    "weights mirrored": ([("{neuron[1:0], 2'b00}", "{~neuron[1:0], 2'b00}")], {"mirrored": True}),
}


@pytest.mark.parametrize(
    "bug",
    ["strict comparison", "no reset", pytest.param("weights mirrored", marks=pytest.mark.slow),
        pytest.param("leak rounds the wrong way", marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_planted_bug_is_reported_where_it_shows_first(tmp_path, monkeypatch, bug):
    replaced, switched = BUGS[bug]
    path = planted(tmp_path, *replaced)
    has_waveform = bug == "strict comparison"
    if not has_waveform:
        monkeypatch.setattr("rtl_models.dut.verify.write_waveform", lambda *_: None)
    table = check(path, out=tmp_path / "out")
    row = table.bad
    assert (row.first.component, row.first.case) == ("spikes_out", "seed 1")
    assert (row.first.field, row.first.expected, row.first.got) == first_place(spikes(path), spikes(path, **switched))
    kept = {file.name for file in (tmp_path / "out").iterdir()}
    assert kept - {"difference.vcd"} == {"difference.txt", "events.log", "simulator.log"}
    assert (row.vcd is not None) == has_waveform
    assert (tmp_path / "out/difference.txt").read_text().startswith(str(row.first))
    if not has_waveform:
        return
    times = [int(t) for t in re.findall(r"^#(\d+)$", row.vcd.read_text(), re.M)]
    period, middle = 10_000, 35_000 + 10_000 * row.first.cycle  # the middle of the cycle, after 4 of reset
    assert times[0] == middle - 24 * period
    assert middle < times[-1] <= middle + 9 * period


def test_a_word_that_leaves_the_protocol_is_reported(tmp_path):
    early = ("if (AEROUT_REQ && AEROUT_ACK) begin", "if (AEROUT_REQ) begin")
    first = check(planted(tmp_path, early, stimuli__stall=0.5)).bad.first
    assert (first.field, first.got) == ("protocol", "'req' fell before the acknowledge")


def test_the_guides_bug_differs_from_the_example_in_one_define():
    right, wrong = (YAML(typ="safe").load((EXAMPLE / f"{n}.yaml").read_text()) for n in ("adapter", "planted_bug"))
    assert wrong["design"].pop("defines") == {"PLANTED_BUG": 1}
    assert wrong.pop("name") == right.pop("name") + "_bug"
    assert wrong == right
