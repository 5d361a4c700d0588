"""The random networks: the generator's bytes, the witness's totals, and the whole path to every engine."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from mapper.check.partition import check_partition
from mapper.check.placement import check_placement
from mapper.check.program import check_program
from neurosim import import_network, map_network, run_mapping, store
from neurosim.api.mapped import load_mapping
from neurosim.errors import DoesNotFitError, InputError
from neurosim.network.check import check_network
from neurosim.network.model import Network
from neurosim.network.simulate import run_float
from workloads.random_snn.__main__ import main
from workloads.random_snn.generate import Recipe, digest, generate
from workloads.random_snn.witness import Totals, spikes_of, totals

ROOT = Path(__file__).parents[2]
PEER = ROOT.parent / "shared" / "peers" / "random_snn.py"
CHIP = ROOT / "workloads" / "random_snn" / "loihi_like.yaml"
SMALL = Recipe(neurons=400, fanout=13, steps=30, per_core=40)
SMALL_SHA256 = "80d4fcf91470f5c6d4c1d767526f5314b2493eb05a203cc26f620474d8c2ca6c"
SMALL_TOTALS = Totals(fired=502, packets=1131, synaptic_events=5005)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """(arrays, folder with net.npz, imported.npz and the mapping)."""
    folder = tmp_path_factory.mktemp("random_snn")
    made = generate(SMALL)
    np.savez_compressed(folder / "net.npz", **made)
    import_network(folder / "net.npz", format="random_snn", out=folder / "imported.npz")
    map_network(folder / "imported.npz", CHIP, folder / "mapped", steps=SMALL.steps, cores=folder / "net.npz")
    return made, folder


def counted(metrics):
    """The totals that a run reports."""
    events = {e["event"]: e["count"] for e in metrics["energy"]["by_event"]}
    return Totals(events["spike_generated"], events["packet_sent"], events["synaptic_operation"])


def test_the_generator_gives_the_same_bytes_everywhere():
    made = generate(SMALL)
    assert digest(made) == SMALL_SHA256
    assert made["fired"].tolist() == [150, 114, 121, 117]
    assert made["threshold"].tolist() == [19.5, 7.5, 6.5, 7.5]
    assert totals(made) == SMALL_TOTALS


@pytest.mark.skipif(not PEER.is_file(), reason="the peers' own script is not beside this repository")
def test_the_bytes_are_those_of_the_peers_script(tmp_path):
    words = ["--neurons", "600", "--layers", "3", "--fanout", "17", "--steps", "25", "--period", "9", "--per-core", "64", "--seed", "7"]
    spec = importlib.util.spec_from_file_location("peer", PEER)
    peer, said = importlib.util.module_from_spec(spec), io.StringIO()
    spec.loader.exec_module(peer)
    old, sys.argv = sys.argv, ["peer", "gen", str(tmp_path / "theirs.npz"), *words]
    try:
        with redirect_stdout(said):
            peer.main()
    finally:
        sys.argv = old
    made = generate(Recipe(600, 3, 17, 25, 9, 64, 7))
    assert digest(made) == json.loads(said.getvalue())["sha256"]
    with np.load(tmp_path / "theirs.npz") as theirs:
        assert sorted(theirs.files) == sorted(made)
        for name in theirs.files:
            np.testing.assert_array_equal(theirs[name], made[name], name)


def test_the_command_writes_what_it_says(tmp_path, capsys):
    words = ["--neurons", "40", "--layers", "2", "--fanout", "3", "--steps", "10", "--per-core", "7"]
    assert main([str(tmp_path / "net.npz"), *words]) == 0
    said = json.loads(capsys.readouterr().out)
    with np.load(tmp_path / "net.npz") as net:
        arrays = {name: net[name] for name in net.files}
    assert said["sha256"] == digest(arrays) == digest(generate(Recipe(40, 2, 3, 10, 20, 7)))
    assert main([str(tmp_path / "net.npz"), "--totals"]) == 0
    assert Totals(**json.loads(capsys.readouterr().out)) == totals(arrays)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("old.npz", "old.npz: the output exists [output-exists]\n  hint: choose another output"),
        ("no/new.npz", "no: the folder to write into does not exist [output-no-parent]"),
        ("new.npz --layers 1", "--layers: out of range [random-snn-recipe]\n  expected: a whole number, at least 2\n"
         "  got: 1\n  hint: the first is paced, the others are driven"),
        ("new.npz --neurons 40 --fanout 11", "--fanout: out of range [random-snn-recipe]\n"
         "  expected: a whole number, 1..10\n  got: 11\n"
         "  hint: targets are distinct neurons of a layer, which has 10"),
        ("new.npz --per-core 0", "--per-core: out of range [random-snn-recipe]\n"
         "  expected: a whole number, at least 1\n  got: 0"),
        ("new.npz --seed x", "argument --seed: invalid int value: 'x' [usage]\n"
         "  hint: see `python -m workloads.random_snn --help`"),
        ("none.npz --totals", "none.npz: no such file [file-missing]"),
        ("old.npz --totals", "old.npz: not a network of workloads.random_snn [random-snn-broken]\n"
         "  expected: a file as `python -m workloads.random_snn` writes it\n  got: another file, or one cut off"),
    ],
)  # fmt: skip
def test_mistakes_are_told_like_all_others(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("old.npz", x=np.zeros(3))
    assert main(words.split()) == 2
    assert capsys.readouterr() == ("", f"error: {said}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.npz"]


def test_float_and_integer_spikes_are_the_witnesss(small):
    made, folder = small
    network = store.load(folder / "imported.npz", Network)
    assert check_network(network) == []
    assert (network.inputs, network.outputs) == ((), ())
    expected = spikes_of(made)
    run = run_float(network, np.zeros((1, SMALL.steps, 0), np.uint8))
    for layer, spikes in enumerate(expected):
        np.testing.assert_array_equal(run.counts[f"layer{layer}"][0], spikes)
    mapped = load_mapping(folder / "mapped")
    assert check_network(mapped.quantised) == []
    loss = mapped.figures["quantisation"]["layers"]
    assert [layer["slots_that_differ"] for layer in loss] == [0, 0, 0, 0]
    assert [layer["spikes_int"] for layer in loss] == [int(s.sum()) for s in expected]


@pytest.mark.parametrize("engine", ["reference", "compiled", "estimate"])
def test_every_engine_meets_the_totals(small, tmp_path, engine):
    made, folder = small
    run = run_mapping(folder / "mapped", steps=SMALL.steps, engine=engine, out=tmp_path / "run")
    assert run.exit_code == 0
    assert run.comparison["spikes_equal_functional"] is True
    assert counted(run.metrics) == SMALL_TOTALS
    result = run.data.result
    for spikes in result.spikes:
        expected = spikes_of(made)[int(spikes.population.removeprefix("layer"))]
        np.testing.assert_array_equal(np.nonzero(expected), (spikes.step, spikes.neuron))
    assert result.counters.packets_sent == SMALL_TOTALS.packets


def test_the_given_cores_are_kept_and_pass_the_checkers(small):
    made, folder = small
    mapped = load_mapping(folder / "mapped")
    for image in mapped.program.cores:
        for group in image.groups:
            layer = int(group.population.removeprefix("layer"))
            assert (made["core"][layer * 100 + group.neurons] == image.core).all()
    assert check_partition(mapped.partition, mapped.network, mapped.chip) == []
    assert check_placement(mapped.placement, mapped.partition, mapped.network, mapped.chip) == []
    assert check_program(mapped.program, mapped.network, mapped.chip, mapped.routes) == []
    assert [r.method for r in (*mapped.partition.solver, *mapped.placement.solver)] == ["given", "given"]
    sparse = [b for image in mapped.program.cores for b in image.blocks]
    assert {b.target.dtype for b in sparse} == {np.dtype(np.uint8)}  # no more than 40 neurons a core


def test_an_estimate_says_how_far_it_is_from_a_cycle_run(small, tmp_path):
    _, folder = small
    steps = SMALL.steps
    run_mapping(folder / "mapped", steps=steps, engine="compiled", out=tmp_path / "cycles")
    made = run_mapping(
        folder / "mapped", steps=steps, engine="estimate", compare_with=tmp_path / "cycles",
        out=tmp_path / "estimated",
    )  # fmt: skip
    error = json.loads((tmp_path / "estimated" / "estimate.json").read_text())
    assert error == made.data.estimate_error
    assert error["events_equal"] is True
    assert abs(error["energy"]["error"]) < 0.1
    assert abs(error["latency"]["error"]) < 0.1
    with pytest.raises(InputError) as caught:
        run_mapping(
            folder / "mapped", steps=steps, engine="compiled", compare_with=tmp_path / "cycles",
            out=tmp_path / "again",
        )  # fmt: skip
    assert caught.value.code == "compare-engine"
    for other, code in (("cycles", "compare-other"), ("estimated", "compare-no-cycles")):
        with pytest.raises(InputError) as caught:
            run_mapping(
                folder / "mapped", steps=steps - (other == "cycles"), engine="estimate",
                compare_with=tmp_path / other, out=tmp_path / "again",
            )  # fmt: skip
        assert caught.value.code == code
    assert not (tmp_path / "again").exists()


def test_wrong_cores_are_refused(small, tmp_path):
    made, folder = small
    wrong = {
        "short": (made["core"][:-1], InputError, "the given cores do not fit the network"),
        "float": (made["core"] / 2, InputError, "the given cores do not fit the network"),
        "beyond": (made["core"] + 126, InputError, "a core was given that the chip does not have"),
        "negative": (made["core"] - 1, InputError, "a core was given that the chip does not have"),
    }
    for name, (core, kind, what) in wrong.items():
        with pytest.raises(kind) as caught:
            map_network(folder / "imported.npz", CHIP, tmp_path / name, cores=core)
        assert (caught.value.code, caught.value.what) == ("map-given-cores", what)
    with pytest.raises(DoesNotFitError) as caught:
        map_network(folder / "imported.npz", "tiny", tmp_path / "full", cores=np.zeros(400, np.int64))
    assert caught.value.code == "map-given-fit"
    assert caught.value.what == "core 0 of chip 'tiny' cannot hold what was given to it"
    np.savez(tmp_path / "none.npz", other=made["core"])
    with pytest.raises(InputError) as caught:
        map_network(folder / "imported.npz", CHIP, tmp_path / "none", cores=tmp_path / "none.npz")
    assert caught.value.code == "input-no-core"


def test_wrong_steps_and_inputs_are_refused(small, tmp_path):
    _, folder = small
    for options in ({}, {"input": folder / "net.npz", "steps": 3}):
        with pytest.raises(InputError) as caught:
            run_mapping(folder / "mapped", engine="functional", out=tmp_path / "run", **options)
        assert (caught.value.code, caught.value.what) == ("run-input", "this network has no input")
    with pytest.raises(InputError) as caught:
        run_mapping(folder / "mapped", steps=0, engine="functional", out=tmp_path / "run")
    assert caught.value.code == "option-range"


def test_files_that_are_no_such_network_are_refused(small, tmp_path):
    made, folder = small
    with pytest.raises(InputError) as caught:
        import_network(folder / "net.npz", profile="norse-1.1", format="random_snn")
    assert caught.value.code == "random-snn-profile"
    broken = {
        "missing": {k: v for k, v in made.items() if k != "phase"},
        "shape": {**made, "weight": made["weight"][:, :, 1:]},
        "order": {**made, "target": made["target"][:, :, ::-1]},
        "range": {**made, "target": made["target"] + 1},
        "layers": {**made, "layers": np.asarray(1)},
        "text": {**made, "phase": made["phase"].astype(str)},
    }
    for name, arrays in broken.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
        with pytest.raises(InputError) as caught:
            import_network(tmp_path / f"{name}.npz", format="random_snn")
        assert caught.value.code == "random-snn-broken", name
    (tmp_path / "cut.npz").write_bytes((folder / "net.npz").read_bytes()[:900])
    with pytest.raises(InputError) as caught:
        import_network(tmp_path / "cut.npz", format="random_snn")
    assert caught.value.code == "random-snn-broken"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("neurons", "expected", "megabytes"),
    [(10_000, Totals(48_412, 109_086, 4_836_146), 400), (100_000, Totals(487_474, 9_068_110, 48_451_634), 1200)],
)
def test_the_published_totals_and_memory(tmp_path, neurons, expected, megabytes):
    net = tmp_path / "net.npz"
    main([str(net), "--neurons", str(neurons)])
    import_network(net, format="random_snn", out=tmp_path / "imported.npz")
    map_network(tmp_path / "imported.npz", CHIP, tmp_path / "mapped", steps=100, cores=net)
    for engine in ("compiled", "estimate"):
        words = ["run", tmp_path / "mapped", "--steps", "100", "--engine", engine, "-o", tmp_path / engine]
        code = (
            "import resource, sys\nfrom neurosim.cli import main\nend = 0\n"
            "try:\n    main()\nexcept SystemExit as error:\n    end = error.code\n"
            "print(end, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, words), "--json"], capture_output=True, text=True, check=True
        )
        end, peak = done.stderr.splitlines()[-1].split()
        assert end in ("0", "None")
        document = json.loads(done.stdout)
        assert counted(document["metrics"]) == expected
        assert document["comparison"]["spikes_equal_functional"] is True
        assert int(peak) <= megabytes, (engine, peak)


@pytest.mark.parametrize(
    ("name", "change"),
    [("weight", lambda a: a + 0.5), ("phase", lambda a: a * 1.0), ("threshold", lambda a: a * np.nan)],
)
def test_values_that_no_such_network_has_are_refused(name, change, tmp_path):
    arrays = generate(SMALL)
    np.savez(tmp_path / "net.npz", **{**arrays, name: change(arrays[name])})
    with pytest.raises(InputError, match="not a network of workloads"):
        import_network(tmp_path / "net.npz", format="random_snn")


@pytest.mark.parametrize("dt_s", [0.0, -1.0, float("nan")])
def test_a_time_step_that_is_none_is_refused(dt_s, small):
    with pytest.raises(InputError, match="a time step must be a positive time"):
        import_network(small[1] / "net.npz", dt_s=dt_s, format="random_snn")
