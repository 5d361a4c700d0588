"""Exit codes and machine output: what a script sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurosim import __version__, store
from neurosim.artefacts.mapping import Placement
from neurosim.artefacts.result import Result
from neurosim.chip.catalogue import preset_path
from tests.cli.conftest import Neurosim

ROOT = Path(__file__).parents[2]
RUN = "run mapped --input dense_test.npz --samples 1 -o out"


@pytest.fixture
def mine(here: Path) -> Path:
    """A copy of the run that a test may spoil."""
    import shutil

    shutil.copytree(here / "run", here / "mine")
    return here / "mine"


def spoil(path: Path, kind: type, **changes: object) -> None:
    from dataclasses import replace

    artefact = store.load(path, kind)
    store.save(replace(artefact, **changes), path)


def test_version(neurosim: Neurosim) -> None:
    assert neurosim("--version").out == f"neurosim {__version__}\n"
    assert json.loads(neurosim("--json --version").out) == {"version": __version__}


def test_help_names_every_command(neurosim: Neurosim) -> None:
    found = neurosim("--help")
    assert found.code == 0
    for name in ("demo", "import", "map", "run", "report", "check", "chips", "doctor"):
        assert f" {name} " in found.out
    assert neurosim("").out == found.out


def test_help_says_what_defaults_are(neurosim: Neurosim) -> None:
    said = " ".join(neurosim("resume --help").out.replace("│", " ").split())
    assert "default: OUT, the checkpoint's name without .checkpoint." in said
    assert "default: the N that the run was begun with." in said
    assert "as before" not in said


def test_help_imports_nothing_heavy() -> None:
    """``neurosim --help`` stays fast: no numerical package, no solver, no plots."""
    code = (
        "import sys\nfrom neurosim.cli import main\nmain(['--help'])\n"
        "print([m for m in ('numpy', 'ortools', 'numba', 'plotly', 'pyarrow', 'h5py', 'networkx', 'simpy', 'ruamel')"
        " if m in sys.modules], file=sys.stderr)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert found.stderr == "[]\n"


@pytest.mark.parametrize(
    "line",
    [
        "chips", "chips list", "chips show tiny", "doctor", "check mapped", "report run",
        "import dense.nir --profile spikingjelly-2.0 -o n.npz", "map net.npz --chip tiny -o m", RUN,
        "demo --samples 1 --out d",
    ],
)  # fmt: skip
def test_json_is_all_there_is_on_stdout(line: str, neurosim: Neurosim, here: Path, mine: Path) -> None:
    found = neurosim(line.replace("report run", "report mine") + " --json")
    assert found.code == 0, found.err
    assert isinstance(json.loads(found.out), dict)


def test_json_error(neurosim: Neurosim) -> None:
    found = neurosim("chips show tinny --json")
    document = json.loads(found.out)["error"]
    assert (document["code"], document["exit_code"], found.code) == ("chip-unknown-preset", 2, 2)
    assert document["hint"] == "did you mean 'tiny'?"


def test_quiet(neurosim: Neurosim) -> None:
    assert neurosim(RUN + " --quiet") == type(neurosim("--version"))(0, "", "")


def test_run_shows_the_headlines(neurosim: Neurosim) -> None:
    out = neurosim(RUN).out
    for text in ("Accuracy", "Latency", "p99", "Throughput", "Energy per sample", "not priced", "busiest link",
                 "Synaptic operations", "Packets", "seed", "routing function: free", "mapped flows: free",
                 "equal, every one", "float", "integer"):  # fmt: skip
        assert text in out, text


def test_functional_engine_counts_no_cycles(neurosim: Neurosim, here: Path) -> None:
    found = neurosim(RUN + " --engine functional")
    assert found.code == 0
    assert "not measured" in found.out
    assert json.loads((here / "out" / "metrics.json").read_text())["latency"]["sample_cycles"] is None


def test_limit(neurosim: Neurosim, here: Path) -> None:
    found = neurosim(RUN + " --max-step-cycles 50")
    assert found.code == 6
    assert found.err.startswith("warning: run: LIMIT REACHED; ")
    assert json.loads((here / "out" / "metrics.json").read_text())["verdict"]["status"] == "limit"


def test_deadlock(neurosim: Neurosim, here: Path) -> None:
    """A real network on real digits that stands still: one virtual channel, one flit of buffer."""
    text = preset_path("tiny_2x2_gateway").read_text()
    for old, new in (("  neurons: 64", "  neurons: 13"), ("  buffer_flits: 4", "  buffer_flits: 1")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (here / "narrow.yaml").write_text(text)
    assert neurosim("import conv.nir --profile spikingjelly-2.0 -o conv.npz").code == 0
    line = "map conv.npz --chip narrow.yaml --input conv_test.npz --samples 2 --effort 0.2 --no-repair -o conv"
    found = neurosim(line)
    assert found.code == 0  # a mapping that can deadlock is a warning, here and in check
    cyclic = "warning: this mapping can deadlock: the channel dependency graph of its flows has a cycle\n"
    assert found.err.endswith(cyclic)
    assert "this mapping can deadlock" in found.out
    assert "this run" not in found.out  # there was none
    assert neurosim("check conv").err == cyclic
    found = neurosim("run conv --input conv_test.npz --samples 2 -o out")
    assert found.code == 4
    assert found.err.startswith("warning: run: DEADLOCK; deadlock in step ")
    assert " waits for " in found.out
    assert json.loads((here / "out" / "metrics.json").read_text())["deadlock"]["conclusion"] == "happened"
    assert neurosim("check out/result.npz").code == 0  # the record of a deadlock is a good artefact


def test_check_finds_nothing_wrong(neurosim: Neurosim) -> None:
    for artefact in ("net.npz", "mapped", "mapped/program.npz", "mapped/placement.npz", "mapped/chip.yaml", "run"):
        found = neurosim(f"check {artefact}")
        assert (found.code, found.err) == (0, ""), artefact
        assert found.out.endswith("good\n")


def test_check_finds_a_moved_cluster(neurosim: Neurosim, mine: Path) -> None:
    path = mine / "mapping" / "placement.npz"
    core = store.load(path, Placement).core.copy()
    core[0] = core[1]
    spoil(path, Placement, core=core)
    found = neurosim("check mine/mapping/placement.npz --json")
    assert found.code == 5
    problems = json.loads(found.out)["checked"][0]["problems"]
    assert any(f"core {core[1]}" in problem for problem in problems), problems
    assert neurosim("check mine/mapping").code == 5


def test_check_finds_changed_spikes(neurosim: Neurosim, mine: Path) -> None:
    """A result that is consistent in itself, but is not what the network does."""
    result = store.load(mine / "result.npz", Result)
    hidden = result.spikes[0]
    neuron = hidden.neuron.copy()
    free = set(range(128)) - set(neuron[(hidden.sample == 0) & (hidden.step == hidden.step[0])].tolist())
    neuron[0] = min(n for n in free if n < neuron[1]) if any(n < neuron[1] for n in free) else neuron[0]
    assert neuron[0] != hidden.neuron[0]
    from dataclasses import replace

    spikes = (replace(hidden, neuron=neuron), *result.spikes[1:])
    spoil(mine / "result.npz", Result, spikes=spikes)
    found = neurosim("check mine --json")
    assert found.code == 5
    checked = {line["what"]: line["problems"] for line in json.loads(found.out)["checked"]}
    assert checked["comparison.json"][0] == "the spikes of 'lif1' are not those of the functional engine"


def test_check_finds_changed_figures(neurosim: Neurosim, mine: Path) -> None:
    path = mine / "metrics.json"
    path.write_text(path.read_text().replace('"packets_sent": ', '"packets_sent": 1'))
    found = neurosim("check mine --json")
    assert found.code == 5
    checked = {line["what"]: line["problems"] for line in json.loads(found.out)["checked"]}
    assert len(checked["metrics.json"]) == 1
    assert checked["metrics.json"][0].startswith("its figures do not follow from result.npz: work.packets_sent is 1")


def test_mismatch_of_an_engine(neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose spikes are not those of the network is noticed when it runs."""
    from dataclasses import replace

    from neurosim.engines import builtin

    def wrong(*given: object) -> Result:
        result = builtin.reference(*given)  # type: ignore[arg-type]
        late = replace(result.spikes[0], step=result.spikes[0].step + 1)
        return replace(result, spikes=(late, *result.spikes[1:]))

    monkeypatch.setattr("neurosim.plugins.load", lambda group, name: wrong)
    found = neurosim(RUN)
    assert found.code == 5
    assert found.err == (
        "warning: MISMATCH: spikes differ from the functional engine's (lif1); please report this\n"
    )


def test_our_own_bug(neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import tempfile

    def broken(*given: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("neurosim.api.list_chips", broken)
    found = neurosim("chips")
    assert found.code == 1
    first, second, third = found.err.splitlines()
    assert first == "internal error: ZeroDivisionError: oops"
    assert second == f"  this is a bug of neurosim {__version__}, not your mistake; please report it"
    log = Path(third.removeprefix("  with this file: "))
    assert "Traceback" in log.read_text()
    assert "Traceback" in neurosim("chips --debug").err
