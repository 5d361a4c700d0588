"""An adapter that does not fit the design behind it: the exact texts, with the place in the adapter file."""

from __future__ import annotations

import pytest

from rtl_models import toolchain
from tests.rtl.dut_cases import PIPES, check, core, pipe
from tests.rtl.dut_messages import CACHE, having, message
from tests.rtl.needs import needs

needs("iverilog", "cocotb")
pytestmark = pytest.mark.usefixtures("own_cache")

ROUTER = {"chip": "tiny", "x": 1, "y": 1}
WEST = {
    "direction": "in", "side": "west", "protocol": "valid_ready", "signals": {"valid": "c", "data": "d"},
    "fields": [{"name": "x", "bits": 2}, {"name": "y", "bits": 2}],
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
        "adapter.yaml:9:10: chip 'tiny': unknown key 'membrane_bit' in 'core' [adapter-chip-set]\n"
        "  hint: did you mean 'membrane_bits'?"
    ),
    "chip set range": (
        core, having(against__neuron__set={"core.membrane_bits": 40}),
        "adapter.yaml:9:10: chip 'tiny': 'core.membrane_bits' is out of range [adapter-chip-set]\n"
        "  expected: a whole number from 4 to 32\n"
        "  got: 40"
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
    "router sides": (
        pipe, having(kind="router", ports__a__side="west", ports__b__side="east", ports__c=WEST, against={"equality": "order", "router": ROUTER}),
        "adapter.yaml:34:11: ports 'a' and 'c' are both the 'in' port of side 'west' [adapter-side-twice]"
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


@pytest.mark.parametrize("name", sorted(DESIGN))
def test_an_adapter_that_does_not_fit_its_design(tmp_path, name):
    make, changes, expected = DESIGN[name]
    assert message(tmp_path, make, changes, check) == (2, expected)
    left = [path.name for path in (tmp_path / CACHE).glob("*/*")]
    assert left == (["build"] if ".log" in expected else [])  # only what the message names is kept


def test_a_missing_tool_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda program: None)
    assert message(tmp_path, pipe, {}, check) == (
        2, "iverilog is not installed [rtl-tool-missing]\n  hint: apt-get install iverilog"
    )  # fmt: skip
