"""``python -m workloads.ttfs_digits``: packets, time and energy of first-spike networks against rates."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim import import_network, map_network, run_mapping
from neurosim.errors import NeurosimError
from neurosim.network.first_spike import encode, sample_steps

HERE = Path(__file__).parent
RATES = HERE.parent / "digits"
PROFILE = "spikingjelly-2.0"
WINDOW_STEPS = 8  # of the converted network
HEADER = ("network", "correct", "steps", "spikes", "packets", "operations", "cycles", "nJ")


@dataclass(frozen=True)
class Row:
    """One network on the chip; all but ``name``, ``correct`` and ``steps`` are means per sample."""

    name: str
    correct: str
    steps: int
    spikes: float
    packets: float
    operations: float
    cycles: float
    energy_nj: float

    def text(self) -> str:
        """A line of the table."""
        means = (self.spikes, self.packets, self.operations, self.cycles, self.energy_nj)
        return f"{self.name:28s} {self.correct:>9s} {self.steps:5d} " + " ".join(f"{m:10.1f}" for m in means)


def converted_input(folder: Path) -> Path:
    """The convolutional network's test digits in first-spike code, as ``--first-spike`` expects them."""
    network = import_network(RATES / "conv.nir", PROFILE)
    with np.load(RATES / "conv_test.npz") as data:
        rates, labels = data["x"].mean(axis=1), data["y"]
    path = folder / "conv_ttfs_test.npz"
    np.savez(path, x=encode(rates, WINDOW_STEPS, sample_steps(network, WINDOW_STEPS)), y=labels)
    return path


def measure(
    name: str, model: Path, inputs: Path, window: int | None, chip: str, samples: int, folder: Path
) -> Row:
    """Import, map and run one network."""
    network = import_network(model, "" if model.suffix == ".npz" else PROFILE, first_spike_steps=window)
    mapped = folder / name.replace(" ", "_")
    map_network(network, chip, mapped, inputs)
    run = run_mapping(mapped, inputs, samples=samples, out=mapped.with_suffix(".run")).metrics
    work, n = run["work"], run["accuracy"]["labelled"]
    with np.load(inputs) as data:
        steps = data["x"].shape[1]
    return Row(
        name, f"{run['accuracy']['correct']}/{n}", steps, work["spikes"] / n,
        work["packets_sent"] / n, work["synaptic_operations"] / n, run["latency"]["sample_cycles"]["mean"],
        run["energy"]["per_sample_j"] * 1e9,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workloads.ttfs_digits", description=__doc__)
    parser.add_argument("--chip", default="tiny", help="chip file or preset")
    parser.add_argument("--samples", type=int, default=50, help="of the 450 test digits")
    parser.add_argument("--conv", action="store_true", help="also the convolutional network, converted")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = [
            ("dense, rates", RATES / "dense.nir", RATES / "dense_test.npz", None),
            ("dense, first spike", HERE / "ttfs.npz", HERE / "ttfs_test.npz", None),
        ]
        if options.conv:
            cases += [
                ("conv, rates", RATES / "conv.nir", RATES / "conv_test.npz", None),
                ("conv, first spike", RATES / "conv.nir", converted_input(folder), WINDOW_STEPS),
            ]
        print(f"{HEADER[0]:28s} {HEADER[1]:>9s} {HEADER[2]:>5s} " + " ".join(f"{h:>10s}" for h in HEADER[3:]))
        for title, model, inputs, window in cases:
            try:
                row = measure(title, model, inputs, window, options.chip, options.samples, folder)
            except NeurosimError as error:
                parser.exit(error.exit_code, f"{error.text()}\n")
            print(row.text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
