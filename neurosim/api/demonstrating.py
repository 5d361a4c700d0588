"""``demo``: everything at once, on a trained network and real digits that come with the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from neurosim.api.mapping import MappingMade
    from neurosim.api.running import RunMade
    from neurosim.engines.base import Progress

WORKLOADS = Path(__file__).parents[2] / "workloads"
NETS = {
    "dense": ("digits/dense.nir", "spikingjelly-2.0"), "conv": ("digits/conv.nir", "spikingjelly-2.0"),
    "ttfs": ("ttfs_digits/ttfs.npz", ""),
}  # fmt: skip
"""Network file, with its test set beside it as ``NET_test.npz``, and neuron profile."""
DEFAULT_SAMPLES = {"dense": 100, "conv": 30, "ttfs": 100}
"""Digits simulated unless told otherwise: well under a minute each on two cores."""
DEFAULT_OUT = Path("neurosim_out") / "demo"


@dataclass(frozen=True)
class DemoMade:
    """A demo in ``folder``: ``network.npz``, ``mapping/`` and ``run/`` with its ``report.html``."""

    folder: Path
    mapping: MappingMade
    run: RunMade

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user must not miss."""
        return (*self.mapping.warnings, *self.run.warnings)

    def files(self) -> dict[str, Path]:
        """Where to look."""
        run = self.folder / "run"
        return {"report": run / "report.html", "figures": run / "metrics.json", "everything": self.folder}

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "mapping": self.mapping.document(),
            "run": self.run.document(),
            "written": {name: str(path) for name, path in self.files().items()},
        }


def demo(
    chip: str | Path = "tiny",
    net: str = "dense",
    samples: int | None = None,
    out: str | Path = DEFAULT_OUT,
    *,
    engine: str = "compiled",
    seed: int = 0,
    force: bool = False,
    progress: Progress | None = None,
) -> DemoMade:
    """Import, map, simulate and report the shipped digits network ``net`` ("dense", "conv" or "ttfs").

    "ttfs" is of neurons that fire once per sample, see ``workloads/ttfs_digits``.

    Args:
        samples: digits to simulate, the first of the 450 test samples; None: :data:`DEFAULT_SAMPLES`.
        seed: 0 to 2147483647.
        out: folder to write; of the default, the parent is made too.

    Raises:
        InputError: an unknown network or chip, a number out of range, or ``out`` exists or cannot be written.
        DoesNotFitError: the network does not fit on ``chip``.
    """
    from neurosim.api.bounds import check_output, check_samples, check_seed
    from neurosim.api.facts import software
    from neurosim.api.folders import check_free, whole_folder
    from neurosim.api.importing import import_network
    from neurosim.api.mapping import map_network
    from neurosim.api.reporting import report_run
    from neurosim.api.running import run_mapping

    if net not in DEFAULT_SAMPLES:
        raise InputError(
            f"unknown demo network '{net}'", code="demo-net", expected="one of " + ", ".join(DEFAULT_SAMPLES),
            hint=did_you_mean(net, DEFAULT_SAMPLES),
        )  # fmt: skip
    seed, samples = check_seed(seed), check_samples(samples)
    model, profile = WORKLOADS / NETS[net][0], NETS[net][1]
    digits = model.with_name(f"{net}_test.npz")
    count = DEFAULT_SAMPLES[net] if samples is None else samples
    out = Path(out)
    check_output(out, {"chip file": chip})
    command = ["neurosim", "demo", "--chip", str(chip), "--net", net, "--samples", str(count)]
    command += ["--engine", engine, "--seed", str(seed)]  # without --out: equal demos are equal anywhere
    facts = {"seed": seed, "net": net, "command": command, **software()}
    with _parent_of_default(out):
        check_free(out, force)
        with whole_folder(out, "demo", facts, force) as folder:
            network = import_network(model, profile, out=folder / "network.npz")
            mapping = map_network(network, chip, folder / "mapping", digits, seed, progress=progress)
            run = run_mapping(
                folder / "mapping", digits, engine, count, out=folder / "run", seed=seed, progress=progress
            )
            report_run(folder / "run")
    return DemoMade(out, replace(mapping, folder=out / "mapping"), replace(run, folder=out / "run"))


@contextmanager
def _parent_of_default(out: Path) -> Iterator[None]:
    """Make the parent of the default output, and take it away again if nothing came of it."""
    parent = out.parent
    made = out == DEFAULT_OUT and not parent.exists()
    if made:
        try:
            parent.mkdir()
        except OSError as error:
            from neurosim.api.folders import unwritable

            raise unwritable(parent, error) from error
    try:
        yield
    except BaseException:
        if made and not any(parent.iterdir()):
            parent.rmdir()
        raise
