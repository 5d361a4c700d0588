"""What goes wrong while a design runs: the exact texts, and where the log is kept."""

from __future__ import annotations

import re

import pytest

from neurosim.errors import InputError, LimitError, NeurosimError
from rtl_models.dut.compare import Comparison
from rtl_models.dut.loading import load_adapter
from rtl_models.dut.run_log import RunLog
from rtl_models.dut.verify import groups
from tests.rtl.dut_cases import CORE, PIPES, check, core, pipe
from tests.rtl.dut_messages import CACHE, having, message
from tests.rtl.needs import needs

needs("iverilog", "cocotb")
pytestmark = pytest.mark.usefixtures("own_cache")

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
    "no events": (
        pipe, having(stimuli__file="none.csv"),
        "adapter.yaml:28:27: 'none.csv' holds no event: nothing would be compared [adapter-stimuli]\n"
        "  hint: a line per event below the header"
    ),
    "nothing sent": (
        core, having(stimuli__rate=0),
        "adapter.yaml:49:10: no word went in or came out: nothing was compared [adapter-nothing]\n"
        "  hint: raise stimuli.rate, stimuli.words or stimuli.steps"
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


@pytest.mark.parametrize("name", sorted(RUN))
def test_what_goes_wrong_in_a_run(tmp_path, name):
    make, changes, expected = RUN[name]
    is_limit = any(code in expected for code in ("dut-stuck", "dut-cycle-limit", "dut-wall-time"))
    assert message(tmp_path, make, changes, check) == (6 if is_limit else 2, expected)
    log = re.match(r"CACHE/(\w+)/(\S+\.log)", expected)
    if log:  # the log that the message names is there
        assert list((tmp_path / CACHE).glob(f"{log[1]}.*/{log[2]}"))


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


def test_an_unknown_suite(tmp_path):
    with pytest.raises(NeurosimError) as caught:
        check(pipe(tmp_path, "valid_ready"), suite="ful")
    assert caught.value.text() == (
        "unknown suite 'ful' [dut-suite]\n  expected: one of quick, full\n  hint: did you mean 'full'?"
    )


def test_the_log_of_a_design_that_does_not_answer_goes_to_the_folder(tmp_path):
    stuck = PIPES["valid_ready"].replace("a_ready = ~b_valid | b_ready", "a_ready = 0")
    out = tmp_path / "out"
    with pytest.raises(LimitError) as caught:
        check(pipe(tmp_path, "valid_ready", verilog=stuck), out=out)
    assert (caught.value.code, caught.value.where) == ("dut-stuck", str(out / "simulator.log"))
    assert caught.value.got == "nothing happened for 300 cycles, up to cycle 301"
    assert (out / "simulator.log").stat().st_size > 0
    assert (out / "events.log").read_text().splitlines()[-1].startswith("end 301 stuck ")
    assert not list((tmp_path / CACHE).iterdir())


def test_a_design_that_had_nothing_to_say_is_equal_with_a_note(tmp_path):
    row, = check(core(tmp_path, against__neuron__threshold="9000")).rows
    assert (row.verdict, row.note) == (
        "equal", "no word came out, and none had to: other stimuli or parameters would say more"
    )  # fmt: skip
    assert row.packets > 10
    assert check(core(tmp_path)).rows[0].note == ""


def test_nothing_is_kept_of_a_mistake_without_a_log(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError):
        check(pipe(tmp_path, "valid_ready", stimuli__file="none.csv"), out=out)
    assert not out.exists()
    assert not list((tmp_path / CACHE).iterdir())


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({"stimuli__stall": 0.0}, [(4, 0.0, 1), (4, 0.3, 5)]),
        ({"stimuli__stall": 0.2}, [(4, 0.0, 1), (4, 0.2, 5)]),
        ({"stimuli__stall": 0.2, "stimuli__file": "events.csv"}, [(1, 0.0, 1), (4, 0.2, 2)]),
    ],
)
def test_the_rows_of_the_full_suite_differ_in_their_stalls(tmp_path, changes, rows):
    loaded = load_adapter(pipe(tmp_path, "valid_ready", **changes))
    assert [(group.cases, group.stall, group.first_seed) for group in groups(loaded, "full", 0)] == rows
