"""Integer networks made by a generator: thresholds by running, and the way from their file to a run's spikes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurosim import check, map_network, run_mapping, store
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.errors import InputError
from neurosim.network.connections import Pool
from neurosim.network.model import Network
from workloads.imagenet import __main__ as command
from workloads.imagenet.calibrate import calibrated, random_input
from workloads.imagenet.wiring import Wiring

STEPS = 4
CHIP = edit_chip(load_chip("tiny"), {"mesh.width": 6, "mesh.height": 6, "core.max_delay_steps": 1})


def small(seed: int = 0) -> Network:
    """A residual block of 6 channels on 8 x 8 pixels with a pooled classifier, wired as the large ones are."""
    wiring = Wiring("small", seed)
    wiring.assumed.append("it is small")
    wiring.add_input("input", (2, 16, 16))
    wiring.add("a", (6, 8, 8), 18)
    wiring.conv("input", "a", {"weight": [6, 2, 3], "stride": 2})
    wiring.add("b", (6, 8, 8), 54)
    wiring.conv("a", "b", {"weight": [6, 6, 3], "stride": 1})
    wiring.add("c", (6, 8, 8), 6)
    wiring.conv("b", "c", {"weight": [6, 6, 1], "stride": 1})
    wiring.same("a", "c")
    wiring.add("out", (5,), 6, reads_out=True)
    wiring.dense("c", "out", 5, 6, Pool((6, 8, 8), (6, 1, 1), (8, 8), (8, 8), (0, 0)))
    return wiring.network("out")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The small network and its input, as files."""
    folder = tmp_path_factory.mktemp("made")
    network = small()
    x = random_input(network, STEPS, 0.5, 0)
    store.save(calibrated(network, x[0], 0.15)[0], folder / "small.npz")
    np.savez_compressed(folder / "x.npz", x=x)
    return folder / "small.npz", folder / "x.npz"


def test_every_layer_fires_at_the_density_and_a_lower_threshold_would_exceed_it() -> None:
    network = small(3)
    x = random_input(network, STEPS, 0.5, 3)
    made, found = calibrated(network, x[0], 0.15)
    assert set(found) == {"a", "b", "c", "out"}
    assert all(0.12 < found[name] <= 0.15 for name in "abc")
    assert found["out"] == 0.0  # a read-out does not fire
    neuron = made.population("b").neuron
    assert neuron.threshold > 0
    before, after = made.projections, network.projections
    assert all(np.array_equal(a.connection.weight, b.connection.weight) for a, b in zip(before, after, strict=True))
    again = calibrated(small(3), random_input(small(3), STEPS, 0.5, 3)[0], 0.15)[0]
    assert store.digest(again) == store.digest(made)


def test_an_integer_network_is_mapped_run_and_checked(files: tuple[Path, Path], tmp_path: Path) -> None:
    net, x = files
    mapped = map_network(net, CHIP, tmp_path / "mapped", input=x)
    assert mapped.figures["quantisation"] is None
    assert "it is small" in mapped.warnings
    assert mapped.figures["activity"].startswith("measured spikes")
    made = store.load(net, Network)
    assert store.digest(store.load(tmp_path / "mapped/quantised_network.npz", Network)) == store.digest(made)
    assert check(tmp_path / "mapped").problems == ()
    run = run_mapping(tmp_path / "mapped", x, out=tmp_path / "run")
    assert run.comparison["spikes_equal_functional"] is True
    assert run.comparison["quantisation"] is None
    assert run.exit_code == 0
    total = sum(int(s.count.sum()) for s in run.data.result.spikes if s.population in "abc")
    assert total / (3 * 384 * STEPS) == pytest.approx(0.14, abs=0.02)
    assert check(tmp_path / "run").problems == ()


def test_an_integer_network_that_the_chip_cannot_run_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    net, x = files
    narrow = edit_chip(CHIP, {"core.membrane_bits": 6})
    with pytest.raises(InputError, match="threshold does not fit 6 bits") as caught:
        map_network(net, narrow, tmp_path / "mapped", input=x)
    assert caught.value.code == "map-faulty-network"
    with pytest.raises(InputError, match="integers already"):
        map_network(net, CHIP, tmp_path / "mapped", weight_bits=4)
    assert not (tmp_path / "mapped").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("resnet50 -o net.txt", "net.txt must end in .npz"),
        ("resnet50 -o nowhere/net.npz", "there is no folder nowhere"),
        ("resnet50 -o net.npz --density 1.5", "densities lie between 0 and 1"),
        ("resnet50 -o net.npz --steps 0", "there is at least 1 step"),
        ("resnet51 -o net.npz", "invalid choice: 'resnet51'"),
        ("resnet50 -o old.npz", "old.npz exists"),
    ],
)
def test_wrong_words_are_named_before_anything_is_made(
    words: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.npz").write_bytes(b"")
    with pytest.raises(SystemExit) as caught:
        command.main(words.split())
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["old.npz"]


def test_the_command_writes_a_network_and_its_input_and_says_what_was_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command.NETWORKS, "resnet50", small)
    net = tmp_path / "net.npz"
    assert command.main(["resnet50", "-o", str(net), "--density", "0.1", "--seed", "4"]) == 0
    said = json.loads(capsys.readouterr().out)
    made = store.load(net, Network)
    assert said["digest"] == store.digest(made)
    assert made.warnings[0].startswith("random 8-bit weights (seed 4), nothing is trained; thresholds set for 0.1 ")
    assert made.warnings[1] == "it is small"
    with np.load(tmp_path / "net_input.npz") as given:
        assert given["x"].shape == (1, STEPS, 2, 16, 16)
        assert given["x"].mean() == pytest.approx(0.5, abs=0.05)
