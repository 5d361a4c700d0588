"""What a user sees of a mistake: the exact texts, with the place in the adapter file."""

from __future__ import annotations

import re

import pytest

from neurosim.errors import InputError, LimitError, NeurosimError
from rtl_models import toolchain
from rtl_models.dut.compare import Comparison
from rtl_models.dut.loading import load_adapter
from rtl_models.dut.run_log import RunLog
from tests.rtl.dut_cases import CORE, PIPES, check, core, pipe
from tests.rtl.needs import needs

needs("iverilog", "cocotb")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def text_of(error: NeurosimError, folder) -> str:
    """The message with the folder of the test and of the run taken out."""
    text = error.text().replace(str(folder / "cache/neurosim/rtl/dut"), "CACHE").replace(f"{folder}/", "")
    text = text.replace(str(folder), "FOLDER")
    return re.sub(r"CACHE/(\w+)\.\w+/", r"CACHE/\1/", text)



def having(**changes):
    """Changes of the adapter by path, see ``dut_cases.write``; MODEL is the text of its model.py."""
    return changes


def message(tmp_path, make, changes, act) -> tuple[int, str]:
    """Exit code and text of the error."""
    model = changes.get("MODEL")
    path = make(tmp_path, *([] if make is core else ["valid_ready"]), **{k: v for k, v in changes.items() if k != "MODEL"})
    files = {"weights.hex": "00 1g\n", "events.csv": "cycle,low,high\n0,1,2\n1,9,2\n", "w.csv": "1,2\n3,4\n"}
    for name, text in {**files, **({"model.py": model} if model else {})}.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(NeurosimError) as caught:
        act(path)
    return caught.value.exit_code, text_of(caught.value, tmp_path)


IMAGE = {"memory": "weight", "for": {"a": 8, "n": 8}, "word": "weight[a, n]"}
ROUTER = {"chip": "tiny", "x": 1, "y": 1}

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

DESIGN = {  # name: design, changes, message
    "source": (
        pipe, having(design__sources=["pip.v"]),
        "adapter.yaml:6:13: no file 'pip.v' [adapter-no-file]\n"
        "  expected: a file in FOLDER\n"
        "  hint: did you mean 'pipe.v'?"
    ),
    "top": (
        pipe, having(design__top="pip"),
        "CACHE/pipe/build/iverilog.log: the design does not elaborate: Icarus says so about top 'pip' [dut-elaborate]\n"
        '  got: error: Unable to find the root module "pip" in the Verilog source.\n'
        "  hint: did you mean 'pipe'?"
    ),
    "syntax": (
        pipe, having(verilog=PIPES["valid_ready"].replace("endmodule", "endmodul")),
        "CACHE/pipe/build/iverilog.log: the design does not elaborate: Icarus says so about top 'pipe' [dut-elaborate]\n"
        "  got: pipe.v:9: syntax error"
    ),
    "parameter": (
        core, having(design__parameters={"M": 3}),
        "adapter.yaml:25:19: no parameter 'M' in top 'plain_core' [adapter-no-parameter]\n"
        "  expected: one of A, IMAGE, N"
    ),
    "port": (
        pipe, having(ports__a__signals__valid="a_vld"),
        "adapter.yaml:18:52: top 'pipe' has no port 'a_vld' [adapter-no-port]\n"
        "  hint: did you mean 'a_valid'?"
    ),
    "direction": (
        pipe, having(ports__a__signals__valid="a_ready"),
        "adapter.yaml:18:52: port 'a_ready' has the wrong direction [adapter-direction]\n"
        "  expected: an input of the design\n"
        "  got: an output"
    ),
    "width": (
        pipe, having(ports__a__signals__valid="a_data"),
        "adapter.yaml:18:52: 'a_data' has the wrong width [adapter-width]\n"
        "  expected: 1 bit\n"
        "  got: 8 bits"
    ),
    "slice": (
        pipe, having(ports__a__signals__data="a_data[8:1]"),
        "adapter.yaml:18:21: port 'a_data' has no bit 8 [adapter-width]\n"
        "  got: 8 bits"
    ),
    "bad signal": (
        pipe, having(ports__a__signals__valid="a-valid"),
        "adapter.yaml:18:52: 'a-valid' is not the name of a signal [adapter-bad-signal]"
    ),
    "twice": (
        core, having(step__tick__pulse="set"),
        "adapter.yaml:20:12: port 'set' is driven twice [adapter-driven-twice]"
    ),
    "fields": (
        pipe, having(ports__b__fields=[{"name": "low", "bits": 3}, {"name": "high", "bits": 4}]),
        "adapter.yaml:22:5: the fields of port 'b' do not fill its data signal [adapter-width]\n"
        "  expected: 8 bits\n"
        "  got: 7 bits"
    ),
    "undriven": (
        pipe, having(reset=None),
        "adapter.yaml:7:8: nobody drives the input 'rst' of the design [adapter-undriven]\n"
        "  hint: name it in a port, or give it a value: ties: {rst: 0}"
    ),
    "memory": (
        core, having(configuration__0__image__memory="wieght"),
        "adapter.yaml:15:13: no memory 'wieght' in the elaborated design [adapter-no-memory]\n"
        "  hint: did you mean 'weight'?"
    ),
    "image large": (
        core, having(configuration__0__image__for={"a": 9, "n": "n_neurons"}, configuration__0__image__word="0"),
        "adapter.yaml:14:5: the image is too large for memory 'weight' [adapter-image-too-large]\n"
        "  expected: at most 64 words\n"
        "  got: 72 words"
    ),
    "image wide": (
        core, having(configuration__0__image__word="300 if n == 2 else 0"),
        "adapter.yaml:14:5: word 2 of the image does not fit into memory 'weight' [adapter-image-too-wide]\n"
        "  expected: 8 bits\n"
        "  got: 300"
    ),
    "image file": (
        core, having(configuration__0={"image": {"memory": "weight", "file": "weights.hex"}}),
        "adapter.yaml:13:17: 'weights.hex' is no file of hexadecimal words [adapter-bad-file]\n"
        "  got: 1g"
    ),
    "expression name": (
        core, having(configuration__0__image__word="weights[a, n]"),
        "adapter.yaml:16:11: 'word': unknown name 'weights'; did you mean 'weight'? [adapter-expression]\n"
        "  got: weights[a, n]"
    ),
    "expression index": (
        core, having(configuration__0__image__word="weight[a, n + 1]"),
        "adapter.yaml:16:11: 'word': index 8 is out of bounds for axis 1 with size 8 [adapter-expression]\n"
        "  got: weight[a, n + 1]"
    ),
    "expression syntax": (
        core, having(configuration__0__image__word="weight[a"),
        "adapter.yaml:16:11: 'word': not an expression [adapter-expression]\n"
        "  got: weight[a"
    ),
    "bus field": (
        core, having(configuration__1__writes=[{"fields": {"nueron": "1"}}]),
        "adapter.yaml:22:22: the bus has no field 'nueron' [adapter-no-field]\n"
        "  hint: did you mean 'neuron'?"
    ),
    "bus wide": (
        core, having(configuration__1__writes=[{"fields": {"neuron": "16"}}]),
        "adapter.yaml:19:23: write 0 does not fit into 'neuron' [adapter-too-wide]\n"
        "  expected: 4 bits\n"
        "  got: 16"
    ),
    "tie": (
        core, having(ties={"sett": 1}),
        "adapter.yaml:50:14: top 'plain_core' has no port 'sett' [adapter-no-port]\n"
        "  hint: did you mean 'set'?"
    ),
    "chip set": (
        core, having(against__neuron__set={"core.membrane_bit": 3}),
        "adapter.yaml:9:10: chip 'tiny': 'core.membrane_bit': Extra inputs are not permitted [adapter-chip-set]"
    ),
    "weights file": (
        core, having(against__neuron__weights={"file": "w.csv"}),
        "adapter.yaml:10:21: the weights in 'w.csv' have the wrong shape [adapter-shape]\n"
        "  expected: (8, 8) (axons, neurons)\n"
        "  got: (2, 2)"
    ),
    "no axon": (
        core, having(ports__axons__fields=[{"name": "ax", "bits": 4}]),
        "adapter.yaml:31:3: the neuron rules need one 'in' port with a field that means 'axon' [adapter-no-meaning]\n"
        "  got: 0 of them\n"
        "  hint: name the field 'axon', or write 'means: axon'"
    ),
    "no model file": (
        pipe, having(against__own__model="modl.py:Pipe"),
        "adapter.yaml:3:16: no file 'modl.py' [adapter-no-file]\n"
        "  expected: a file in FOLDER\n"
        "  hint: did you mean 'model.py'?"
    ),
    "no class": (
        pipe, having(against__own__model="model.py:Pip"),
        "adapter.yaml:3:16: 'model.py' has no class 'Pip' [adapter-no-class]\n"
        "  hint: did you mean 'Pipe'?"
    ),
    "no cycle": (
        pipe, having(against__equality="exact_cycle"),
        "adapter.yaml:2:13: 'exact_cycle' needs a method 'cycle' of class 'Pipe' [adapter-no-method]\n"
        "  hint: a model with 'step' can be held against 'order' or 'per_step_set'"
    ),
    "stimuli file": (
        pipe, having(stimuli__file="events.csv"),
        "adapter.yaml:28:27: events.csv:3: 9 does not fit into the 3 bits of field 'low' [adapter-stimuli]"
    ),
    "router side": (
        pipe, having(kind="router",against={"equality": "order", "router": ROUTER}),
        "adapter.yaml:13:5: port 'a' of a router needs 'side' [adapter-no-side]"
    ),
    "router outside": (
        pipe, having(kind="router",against={"equality": "order", "router": {**ROUTER, "x": 4}}),
        "adapter.yaml:3:27: (4, 1) lies outside the mesh [adapter-outside]\n"
        "  expected: x below 4, y below 4"
    ),
    "router vcs": (
        pipe, having(kind="router",against={"equality": "order", "router": {**ROUTER, "set": {"router.virtual_channels": 2}}}),
        "adapter.yaml:4:11: chip 'tiny' has 2 virtual channels [adapter-virtual-channels]\n"
        "  expected: 1: a stranger's ports carry no channel number\n"
        "  hint: set: {router.virtual_channels: 1}"
    ),
}  # fmt: skip

RUN = {  # name: design, changes, message
    "model raises": (
        pipe, having(against__own__parameters={"skip": 1}, MODEL="class Pipe:\n    def __init__(self, p, s):\n        self.p = p\n\n    def step(self, step, taken):\n        return [('b', {'low': self.p['lo']})]\n"),
        "model.py:6: the model failed [dut-model]\n"
        "  got: KeyError: 'lo'"
    ),
    "model method": (
        pipe, having(MODEL="class Pipe:\n    def __init__(self, p, s): pass\n"),
        "adapter.yaml:3:16: class 'Pipe' has neither a method 'step' nor 'cycle' [adapter-no-method]"
    ),
    "never ready": (
        pipe, having(verilog=PIPES["valid_ready"].replace("a_ready = ~b_valid | b_ready", "a_ready = 0")),
        "CACHE/pipe/seed1/simulator.log: the design does not answer: 'a': the word offered in cycle 0 was not taken [dut-stuck]\n"
        "  got: nothing happened for 300 cycles, up to cycle 301\n"
        "  hint: limits.idle_cycles sets how long neurosim waits"
    ),
    "cycle limit": (
        pipe, having(limits__cycles=50),
        "CACHE/pipe/seed1/simulator.log: the design was not done after 50 cycles [dut-cycle-limit]\n"
        "  got: 'a': 8 words wait\n"
        "  hint: limits.cycles sets the limit"
    ),
    "never done": (
        core, having(verilog=CORE.replace("busy = state == UPDATE | state == SEND", "busy = 1")),
        "CACHE/plain_core/seed1/simulator.log: the design does not answer: the end of the step does not come [dut-stuck]\n"
        "  got: nothing happened for 300 cycles, up to cycle 337\n"
        "  hint: limits.idle_cycles sets how long neurosim waits"
    ),
    "image": (
        core, having(configuration__0={"image": {
            "passed_by": "plusarg", "name": "weights", "words": 100, "bits": 8, "for": {"a": 72}, "word": "a"
        }}),
        "CACHE/plain_core/seed1/simulator.log: the design cannot read a memory image [dut-image]\n"
        "  got: WARNING: core.v:10: $readmemh(image0.hex): Too many words in the file for the requested range [0:63].\n"
        "  hint: images are given by 'configuration', which makes the file and says where it is"
    ),
    "never tick": (
        core, having(verilog=CORE.replace("k == N - 1) begin state <= IDLE; k <= 0; end\n            end", "k == N + 8) begin state <= IDLE; k <= 0; end\n            end")),
        "CACHE/plain_core/seed1/simulator.log: the design does not answer: 'axons': the word offered in cycle 17 was not taken [dut-stuck]\n"
        "  got: nothing happened for 300 cycles, up to cycle 318\n"
        "  hint: limits.idle_cycles sets how long neurosim waits"
    ),
    "finish": (
        pipe, having(verilog=PIPES["valid_ready"].replace("endmodule", "initial #300 $finish; endmodule")),
        "CACHE/pipe/seed1/simulator.log: the simulator ended before the run did [dut-simulator]\n"
        "  hint: does the design call $finish?"
    ),
    "loop": (
        pipe, having(limits__wall_seconds=1, verilog=PIPES["valid_ready"].replace("endmodule", "reg l=0; always @(posedge a_valid) while(1) l = ~l; endmodule")),
        "CACHE/pipe/seed1/simulator.log: the simulator was not done after 1 seconds [dut-wall-time]\n"
        "  hint: does the design loop without time passing? limits.wall_seconds sets the limit"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ADAPTER))
def test_mistakes_in_the_adapter(tmp_path, name):
    make, changes, expected = ADAPTER[name]
    assert message(tmp_path, make, changes, load_adapter) == (2, expected)


@pytest.mark.parametrize("name", sorted(DESIGN))
def test_an_adapter_that_does_not_fit_its_design(tmp_path, name):
    make, changes, expected = DESIGN[name]
    assert message(tmp_path, make, changes, check) == (2, expected)
    left = [path.name for path in (tmp_path / "cache/neurosim/rtl/dut").glob("*/*")]
    assert left == (["build"] if ".log" in expected else [])  # only what the message names is kept


@pytest.mark.parametrize("name", sorted(RUN))
def test_what_goes_wrong_in_a_run(tmp_path, name):
    make, changes, expected = RUN[name]
    is_limit = any(code in expected for code in ("dut-stuck", "dut-cycle-limit", "dut-wall-time"))
    assert message(tmp_path, make, changes, check) == (6 if is_limit else 2, expected)
    log = re.match(r"CACHE/(\w+)/(\S+\.log)", expected)
    if log:  # the log that the message names is there
        assert list((tmp_path / "cache/neurosim/rtl/dut").glob(f"{log[1]}.*/{log[2]}"))


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (('b', {'lo': 1}), "port 'b' has no field 'lo'"),
        (('b', {'low': 1}), "field 'high' of port 'b' is missing"),
        (('b', {'low': 8, 'high': 1}), "8 does not fit into the 3 bits of field 'low'"),
        (('a', {'low': 1, 'high': 1}), "'a' is no output port"),
    ],
)
def test_words_of_a_model_that_are_none(tmp_path, word, said):
    class Model:
        def step(self, step, taken):
            return [word]

    loaded = load_adapter(pipe(tmp_path, "valid_ready"))
    with pytest.raises(InputError) as caught:
        Comparison(loaded, Model(), RunLog((), "done", "-", 9, 0, 10), None, 1).first()
    assert caught.value.text() == f"model.py: a word of the model is not one of the adapter: {said} [dut-model-word]"


@pytest.mark.parametrize(("adapters", "given"), [(0.1, 5.0), (600, 0.1)])
def test_the_shorter_time_limit_counts(tmp_path, adapters, given):
    path = pipe(tmp_path, "valid_ready", limits__wall_seconds=adapters)
    with pytest.raises(LimitError, match=r"not done after 0\.1 seconds"):
        check(path, time_limit_s=given)


def test_a_missing_tool_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda program: None)
    assert message(tmp_path, pipe, {}, check) == (
        2, "iverilog is not installed [rtl-tool-missing]\n  hint: apt-get install iverilog"
    )  # fmt: skip


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


def test_an_unknown_suite(tmp_path):
    with pytest.raises(NeurosimError) as caught:
        check(pipe(tmp_path, "valid_ready"), suite="ful")
    assert caught.value.text() == (
        "unknown suite 'ful' [dut-suite]\n  expected: one of quick, full\n  hint: did you mean 'full'?"
    )
