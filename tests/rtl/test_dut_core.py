"""A core under the neuron rules: ways to load it, the equalities, stimuli from a file, and a mapped core."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.network.npz_reader import import_npz
from neurosim.store import save
from rtl_models.dut.loading import load_adapter
from rtl_models.dut.verify import Group, groups
from tests.rtl.dut_cases import CORE, PIPES, check, core, first_of, pipe
from tests.rtl.needs import needs

needs("iverilog", "cocotb")

IMAGE = {"for": {"a": "n_axons", "n": "n_neurons"}, "word": "weight[a, n]"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("rtl_models.dut.verify.write_waveform", lambda *_: None)  # test_dut_example has it


@pytest.mark.parametrize(
    "image",
    [
        {"memory": "weight"},
        {"passed_by": "plusarg", "name": "weights", "words": 64, "bits": 8},
        pytest.param({"passed_by": "define", "name": "FILE", "words": 64, "bits": 8}, marks=pytest.mark.slow),
        {"passed_by": "parameter", "name": "IMAGE", "words": 64, "bits": 8},
    ],
    ids=["memory", "plusarg", "define", "parameter"],
)
def test_a_core_passes_however_it_is_loaded(tmp_path, image):
    row = check(core(tmp_path, configuration__0={"image": {**IMAGE, **image}})).rows[0]
    assert (row.differences, row.packets) == (0, 87)


def test_images_and_transactions_may_be_files_of_the_user(tmp_path):
    rng = np.random.default_rng(5)
    weights = rng.integers(-20, 40, (8, 8))
    np.savetxt(tmp_path / "weights.csv", weights, "%d", delimiter=",")
    words = "\n".join(f"{w & 0xFF:02x}" for w in weights.ravel())
    (tmp_path / "image.hex").write_text(f"// by hand\n@0 /* first */ {words}\n")
    (tmp_path / "set.csv").write_text("neuron,threshold\n" + "".join(f"{n},{50 + n}\n" for n in range(8)))
    bus = {"write": "set", "ready": "set_ready", "signals": {"neuron": "set_neuron", "threshold": "set_threshold"}}
    path = core(
        tmp_path, configuration=[{"image": {"memory": "weight", "file": "image.hex"}}, {"bus": bus, "file": "set.csv"}],
        against__neuron__weights={"file": "weights.csv"},
    )  # fmt: skip
    assert check(path).is_good


def test_a_wrong_image_is_seen(tmp_path):
    path = core(tmp_path, configuration__0__image__word="0 if a == 3 and n == 5 else weight[a, n]")
    assert first_of(check(path)) == "seed 1, cycle 91, spikes, step 1, word 1: expected neuron 5, got neuron 6"


DOWN = CORE.replace("out_neuron = k", "out_neuron = 7 - k").replace("u = v[k] + x[k]", "u = v[7 - k] + x[7 - k]")
for _name in ("x[k] <= 0", "v[k] <= u", "threshold[k]"):
    DOWN = DOWN.replace(_name, _name.replace("[k]", "[7 - k]"))


def test_order_and_set_are_different_demands(tmp_path):
    table = check(core(tmp_path, verilog=DOWN))
    assert first_of(table) == "seed 1, cycle 85, spikes, step 1, word 0: expected neuron 1, got neuron 6"
    assert table.notes == (
        "> word 0: expected neuron 1; got neuron 6 in cycle 85",
        "  word 1: expected neuron 5; got neuron 5 in cycle 87",
        "  word 2: expected neuron 6; got neuron 1 in cycle 92",
        "  taken before: 'axons' axon 0 in cycle 45",
        "  taken before: 'axons' axon 7 in cycle 54",
        "  taken before: 'axons' axon 3 in cycle 63",
        "  taken before: 'axons' axon 5 in cycle 72",
    )
    assert check(core(tmp_path, verilog=DOWN, against__equality="per_step_set")).is_good


def test_a_set_counts(tmp_path):
    twice = PIPES["valid_ready"].replace("else if (a_ready) begin", "else if (a_ready & ~(b_valid & b_data[7])) begin")
    twice = twice.replace("if (rst) b_valid <= 0;", "if (rst) b_valid <= 0; else if (b_valid & b_data[7]) b_data[7] <= 0;")
    model = {"equality": "per_step_set", "own": {"model": "model.py:Pipe"}}
    table = check(pipe(tmp_path, "valid_ready", verilog=twice, against=model, stimuli__stall=0.0))
    assert not table.is_good
    assert table.bad.first.field == "the set of words"


def test_the_users_model_decides(tmp_path):
    table = check(pipe(tmp_path, "valid_ready", against__own__parameters={"skip": 7}))
    first = table.bad.first
    assert (first.component, first.field) == ("b", "word 7")
    assert [note[:9] for note in table.notes[:7]] == [f"{'>' if k == 7 else ' '} word {k}:"[:9] for k in (*range(4, 10), 10)]
    assert [note[:15] for note in table.notes[7:]] == ["  taken before:"] * 8


@pytest.mark.parametrize(("equality", "field"), [("order", "word 40"), ("per_step_set", "the set of words")])
def test_a_word_that_does_not_come_is_missed(tmp_path, equality, field):
    own = {"equality": equality, "own": {"model": "model.py:Pipe", "parameters": {"extra": 1}}}
    first = check(pipe(tmp_path, "valid_ready", against=own)).bad.first
    assert (first.field, first.expected, first.got) == (field, "low 1, high 2", "no further word")
    assert first.n_different == 1


def test_other_ways_to_mark_steps(tmp_path):
    quiet = {"gap_cycles": 12, "tick": {"pulse": "tick"}, "done": {"quiet_cycles": 40}}
    assert check(core(tmp_path, step=quiet)).is_good
    inside = CORE.replace("integer i;", "integer i; generate if (1) begin : g wire idle = ~busy; end endgenerate")
    begun = {  # a word that begins each step: axon 7 has no weights, and the model knows of seven only
        "begin": {"port": "axons", "fields": {"axon": 7}}, "ready": "in_ready", "tick": {"pulse": "tick"},
        "done": {"high": "g.idle", "after_cycles": 2},
    }  # fmt: skip
    image = {"memory": "weight", "for": {"a": 8, "n": 8}, "word": "weight[a, n] if a < 7 else 0"}
    path = core(
        tmp_path, step=begun, verilog=inside, against__neuron__n_axons=7, configuration__0={"image": image}
    )
    assert check(path).is_good
    with pytest.raises(InputError) as caught:
        check(core(tmp_path, step__done={"high": "g.idel", "after_cycles": 2}, verilog=inside))
    assert caught.value.text() == (
        f"{tmp_path}/adapter.yaml: no signal or memory 'g.idel' in the elaborated design [dut-no-signal]"
    )


def test_events_from_a_file(tmp_path):
    (tmp_path / "events.csv").write_text("cycle,low,high\n0,1,2\n5,3,4\n")
    table = check(pipe(tmp_path, "valid_ready", stimuli__file="events.csv", stimuli__stall=0.0))
    assert (table.is_good, table.rows[0].cases, table.rows[0].packets) == (True, 1, 4)
    (tmp_path / "events.csv").write_text("step,axon\n0,1\n2,1\n2,7\n")
    table = check(core(tmp_path, stimuli__file="events.csv"))
    assert table.is_good


def test_one_core_of_a_mapped_network(tmp_path):
    weight = np.random.default_rng(1).normal(0, 1, (6, 5))
    np.savez(tmp_path / "arrays.npz", weight0=weight, threshold0=1.0)
    save(import_npz(tmp_path / "arrays.npz"), tmp_path / "net.npz")
    against = {"equality": "order", "program": {"network": "net.npz", "chip": "tiny", "core": 0}}
    design = {"sources": ["core.v"], "top": "plain_core", "parameters": {"N": "n_neurons", "A": "n_axons"}}
    shifted = CORE.replace("v[k] + x[k]", "v[k] + (x[k] <<< 4)")  # weights have 8 bits, sums 12
    right = shifted.replace("u - threshold[k]", "u - threshold[k] + 1")  # the mapper's amount to subtract
    table = check(core(tmp_path, against=against, design=design, verilog=right))
    assert table.is_good
    assert table.rows[0].packets > 12 * 6 * 0.3  # the events, and spikes
    assert table.demanded == "the same words on each port in each step, in the same order, as core 0 of the mapped network"
    wrong = shifted.replace("u - threshold[k]", "0")
    assert check(core(tmp_path, against=against, design=design, verilog=wrong)).bad.first.component == "spikes"


def test_the_full_suite_has_more_cases_and_stalls(tmp_path):
    loaded = load_adapter(core(tmp_path, stimuli={"cases": 3, "seed": 7}))
    assert groups(loaded, "quick", 0) == [Group(3, 0.0, 7)]
    assert groups(loaded, "full", 0) == [Group(12, 0.0, 7), Group(12, 0.3, 19)]
    assert groups(loaded, "quick", 2) == [Group(3, 0.0, 2_000_013)]


def test_seeds_and_progress(tmp_path):
    path = core(tmp_path, stimuli={"cases": 1, "steps": 2, "rate": 0.4, "stall": 0.5})
    said = []
    tables = [check(path, seed=seed, progress=lambda *what: said.append(what)) for seed in (4, 4, 5)]
    assert [(row.how, row.cases) for row in tables[0].rows] == [("order, Icarus, stalls 0.5", 1)]
    cycles = [table.rows[0].cycles for table in tables]
    assert cycles[0] == cycles[1] != cycles[2]
    assert said[:2] == [(0, 1, "seed 4000013"), (1, 1, "done")]


@pytest.mark.slow
def test_verilator_sees_the_same(tmp_path):
    needs("verilator")
    table = check(core(tmp_path, design__simulator="verilator"))
    assert (table.is_good, table.rows[0].packets) == (True, 87)
