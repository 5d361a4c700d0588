"""Mistakes in an adapter file by itself: the exact texts, with line and column."""

from __future__ import annotations

import pytest

from neurosim.errors import NeurosimError
from rtl_models.dut.loading import load_adapter
from tests.rtl.dut_cases import core, pipe
from tests.rtl.dut_messages import having, message, text_of

IMAGE = {"memory": "weight", "for": {"a": 8, "n": 8}, "word": "weight[a, n]"}

ADAPTER = {  # name: design, changes, message
    "unknown key": (
        pipe, having(clock={"port": "clk", "perod_ps": 10}),
        "adapter.yaml:4:9: unknown key 'perod_ps' in 'clock' [adapter-unknown-key]\n"
        "  hint: did you mean 'period_ps'?"
    ),
    "unknown section": (
        pipe, having(limit={"cycles": 3}),
        "adapter.yaml:9:1: unknown key 'limit' at the top level [adapter-unknown-key]\n"
        "  hint: did you mean 'limits'?"
    ),
    "wrong choice": (
        pipe, having(ports__a__protocol="valid_redy"),
        "adapter.yaml:17:15: 'ports.a.protocol' has an unknown value [adapter-bad-choice]\n"
        "  expected: one of valid_ready, four_phase, two_phase, credit\n"
        "  got: 'valid_redy'\n"
        "  hint: did you mean 'valid_ready'?"
    ),
    "unknown signal": (
        pipe, having(ports__a__signals={"vaild": "x", "data": "y"}),
        "adapter.yaml:18:24: protocol 'valid_ready' has no signal 'vaild' [adapter-inconsistent]\n"
        "  hint: did you mean 'valid'?"
    ),
    "missing signal": (
        pipe, having(ports__a__signals={"valid": "x"}),
        "adapter.yaml:18:5: protocol 'valid_ready' needs the signal 'data' [adapter-inconsistent]"
    ),
    "credits missing": (
        pipe, having(ports__a__protocol="credit",ports__a__signals={"valid": "a", "credit": "b", "data": "c"}),
        "adapter.yaml:17:5: protocol 'credit' needs 'credits', the slots behind it [adapter-inconsistent]"
    ),
    "credits too much": (
        pipe, having(ports__a__credits=3),
        "adapter.yaml:18:5: protocol 'valid_ready' knows no 'credits' [adapter-inconsistent]"
    ),
    "field twice": (
        pipe, having(ports__a__fields=[{"name": "a", "bits": 1},{"name": "a", "bits": 7}]),
        "adapter.yaml:14:5: field 'a' stands twice [adapter-inconsistent]"
    ),
    "field too small": (
        pipe, having(ports__a__fields=[{"name": "a", "bits": 0}]),
        "adapter.yaml:15:14: 'ports.a.fields.0.bits' is out of range [adapter-out-of-range]\n"
        "  expected: a whole number from 1 to 4096\n"
        "  got: 0"
    ),
    "no output": (
        pipe, having(ports__b__direction="in"),
        "adapter.yaml:11:1: no port has 'direction: out' [adapter-inconsistent]"
    ),
    "two models": (
        core, having(against__own={"model": "m.py:M"}),
        "adapter.yaml:1:1: one of 'neuron', 'program', 'router' and 'own' is needed [adapter-inconsistent]"
    ),
    "exact neuron": (
        core, having(against__equality="exact_cycle"),
        "adapter.yaml:2:3: neuron rules say what a step gives, not in which cycle [adapter-inconsistent]\n"
        "  hint: use 'order' or 'per_step_set', or a model of your own with a method 'cycle'"
    ),
    "no steps": (
        core, having(step=None),
        "adapter.yaml:27:1: a core under the neuron rules needs 'step': when its neurons update [adapter-inconsistent]"
    ),
    "tick port": (
        core, having(step__tick={"port": "axon"}),
        "adapter.yaml:48:10: 'axon' is not one of the 'in' ports [adapter-inconsistent]\n"
        "  hint: did you mean 'axons'?"
    ),
    "tick twice": (
        core, having(step__tick={"port": "axons", "pulse": "tick"}),
        "adapter.yaml:48:3: either 'pulse' (a signal) or 'port' (a word on it) is needed [adapter-inconsistent]"
    ),
    "image both": (
        core, having(configuration__0={"image": {**IMAGE, "file": "x.hex"}}),
        "adapter.yaml:13:3: either 'file' or 'word' (with 'for') is needed [adapter-inconsistent]"
    ),
    "image sizes": (
        core, having(configuration__0={"image": {"passed_by": "plusarg", "name": "w", "file": "x.hex"}}),
        "adapter.yaml:13:3: an image passed as a file needs the memory's size: 'words' and 'bits' [adapter-inconsistent]"
    ),
    "writes missing": (
        core, having(configuration__1__writes=None),
        "adapter.yaml:17:3: 'writes' or 'file' is needed: what is to be written [adapter-inconsistent]"
    ),
    "model name": (
        pipe, having(against__own__model="model.Pipe"),
        "adapter.yaml:3:9: 'model.Pipe' does not name a class [adapter-inconsistent]\n"
        "  hint: write file.py:ClassName"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ADAPTER))
def test_mistakes_in_the_adapter(tmp_path, name):
    make, changes, expected = ADAPTER[name]
    assert message(tmp_path, make, changes, load_adapter) == (2, expected)


def test_files_that_are_no_adapter(tmp_path):
    path = tmp_path / "adapter.yaml"
    for text, expected in {
        "": "adapter.yaml: the adapter is empty [adapter-empty]",
        "- a\n": "adapter.yaml:1:1: an adapter is a mapping of sections [adapter-not-a-mapping]\n"
        "  expected: keys such as 'design:' and 'ports:'\n  got: a list of 1",
        "a: [\n": "adapter.yaml:2:1: not valid YAML: expected the node content, but found '<stream end>' [adapter-yaml]\n"
        "  hint: check indentation (spaces, not tabs), quotes and brackets near here",
    }.items():
        path.write_text(text)
        with pytest.raises(NeurosimError) as caught:
            load_adapter(path)
        assert text_of(caught.value, tmp_path) == expected
    with pytest.raises(NeurosimError) as caught:
        load_adapter(tmp_path / "none.yaml")
    assert text_of(caught.value, tmp_path) == "none.yaml: no such file [file-missing]"
