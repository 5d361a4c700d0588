"""Outputs are whole or absent, the same for the same command, and never replace what is not ours."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from neurosim.api.folders import whole_folder
from neurosim.cli import main
from neurosim.errors import InputError
from tests.cli.conftest import DIGITS, Neurosim

ROOT = Path(__file__).parents[2]
MAP = "map net.npz --chip tiny -o out --quiet"
RUN = "run mapped --input dense_test.npz --samples 1 -o out --quiet"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def process(line: str, cwd: Path, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "neurosim", *line.split()], cwd=cwd, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # type: ignore[call-overload, no-any-return]  # fmt: skip


def test_same_command_same_bytes(here: Path, neurosim: Neurosim) -> None:
    for name in ("one", "two"):
        assert neurosim(f"demo --samples 2 --out {name} --quiet").code == 0
    first = contents(here / "one")
    assert first == contents(here / "two")
    assert {"network.npz", "mapping/program.npz", "run/result.npz", "run/report.html"} <= set(first)


@pytest.mark.parametrize("line", [MAP, RUN])
@pytest.mark.parametrize("name", ["program.npz", "mapping.json", "manifest.json"])
def test_full_disk(line: str, name: str, neurosim: Neurosim, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills while one of the files is written (``run`` copies those of its mapping)."""

    def fill(path: Path, data: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    write, copy = Path.write_bytes, shutil.copyfile
    monkeypatch.setattr(
        Path, "write_bytes", lambda path, data: (fill if name in path.name else write)(path, data)
    )
    monkeypatch.setattr(shutil, "copyfile", lambda a, b: (fill if name in b.name else copy)(b if name in b.name else a, b))
    before = names(here)
    found = neurosim(line)
    assert found.err.splitlines()[-1] == "error: out: cannot write: No space left on device [output-unwritable]"
    assert (found.code, found.out) == (2, "")
    assert names(here) == before


def test_real_write_failure(here: Path) -> None:
    """The system refuses to write more than 20 kB into a file."""
    before = names(here)
    limit = (20_000, 20_000)
    child = process(RUN, here, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    out, err = child.communicate(timeout=120)
    assert err == "error: out: cannot write: File too large [output-unwritable]\n"
    assert (child.returncode, out) == (2, "")
    assert names(here) == before


def test_folder_not_writable(neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "out")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    found = neurosim(RUN)
    assert (found.code, found.err) == (2, "error: out: cannot write: Permission denied [output-unwritable]\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_in_mid_run(number: int, code: int, here: Path) -> None:
    """Ctrl-C, and a request to end: nothing is left of a demo that is simulating."""
    before = names(here)
    child = process("demo --samples 450", here)
    deadline = time.monotonic() + 60
    while not list(here.glob("neurosim_out/.demo.*.part/mapping/program.npz")):
        assert child.poll() is None, child.stderr
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    said = "stopped by Ctrl-C; nothing half-written was left behind\n" if number == signal.SIGINT else ""
    assert (child.returncode, out, err) == (code, "", said)
    assert names(here) == before


def test_force_replaces_ours(neurosim: Neurosim, here: Path) -> None:
    assert neurosim(RUN).code == 0
    before = contents(here / "out")
    (here / "out" / "report.html").write_text("an old report")
    assert neurosim(RUN).code == 2
    assert neurosim(RUN + " --force").code == 0
    assert contents(here / "out") == before
    assert [n for n in names(here) if n.startswith(".")] == []


def test_force_spares_a_file_of_the_user(neurosim: Neurosim, here: Path) -> None:
    assert neurosim(RUN).code == 0
    (here / "out" / "thesis.txt").write_text("three years of work")
    found = neurosim(RUN + " --force")
    assert found.err == (
        "error: out: the output exists and holds what this program did not make [output-foreign]\n"
        "  got: thesis.txt\n"
        "  hint: --force replaces only folders that this program made\n"
    )
    assert (here / "out" / "thesis.txt").read_text() == "three years of work"


def test_old_folder_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with whole_folder(out, "run", {}) as folder:
        (folder / "a.txt").write_text("old")

    def replace_and_fail() -> None:
        with whole_folder(out, "run", {}, force=True) as folder:
            (folder / "a.txt").write_text("new")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match="cannot write: No space left"):
        replace_and_fail()
    assert (out / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_folder_made_in_the_meantime_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def write() -> None:
        with whole_folder(out, "run", {}) as folder:
            (folder / "a.txt").write_text("ours")
            out.mkdir()
            (out / "b.txt").write_text("theirs")

    with pytest.raises(InputError) as caught:
        write()
    assert caught.value.text() == (
        f"{out}: the output exists [output-exists]\n"
        "  hint: another run made it in the meantime; choose another output"
    )
    assert contents(tmp_path) == {"out/b.txt": b"theirs"}


def test_interrupt_keeps_the_default_folder_clean(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt in this process: the parent of the demo's default folder goes too."""

    def stop(*given: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurosim.api.mapping.map_network", stop)
    assert main(["demo"]) == 130
    assert not (here / "neurosim_out").exists()


def test_report_can_be_repeated(neurosim: Neurosim, here: Path) -> None:
    shutil.copytree(here / "run", here / "mine")
    for _ in range(2):
        assert neurosim("report mine --quiet").code == 0
    first = (here / "mine" / "report.html").read_bytes()
    assert first.startswith(b"<!DOCTYPE html>")
    assert b"http://" not in first.split(b"<script")[0]
    assert DIGITS.as_posix().encode() not in first


def test_events_and_seed_on_request(neurosim: Neurosim, here: Path) -> None:
    import json

    import pyarrow.parquet as parquet

    assert neurosim(RUN + " --events --seed 7").code == 0
    packets = parquet.read_table(here / "out" / "events.parquet").filter(_is_packet())
    metrics = json.loads((here / "out" / "metrics.json").read_text())
    manifest = json.loads((here / "out" / "manifest.json").read_text())
    assert packets.num_rows == metrics["work"]["packets_sent"] > 0
    assert (manifest["seed"], manifest["kind"], manifest["made_by"]) == (7, "run", "neurosim")
    assert sorted(manifest["files"]) == list(manifest["files"])
    assert set(manifest["files"]) == set(contents(here / "out")) - {"manifest.json"}
    assert neurosim("check out").code == 0


def _is_packet() -> object:
    import pyarrow.compute as pc

    return pc.field("kind") == "packet"


KILLED = """
import os, pathlib
from neurosim.api.folders import whole_folder
with whole_folder(pathlib.Path("out"), "run", {}) as folder:
    (folder / "a.txt").write_text("half")
    os._exit(9)
"""


def test_what_a_killed_run_left_is_removed(here: Path) -> None:
    """Only what this program left, of this output, and only if nobody is still writing it."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", KILLED], env=env, cwd=here, check=False).returncode == 9
    (left,) = here.glob(".out.*.part")
    assert (left / "a.txt").is_file()
    (here / ".out.mine.part").mkdir()
    (here / ".out.mine.part" / "notes.txt").write_text("not theirs")
    shutil.copytree(left, here / ".other.1.part")
    with whole_folder(here / "out", "run", {}) as first:
        assert not left.exists()
        (first / "a.txt").write_text("first")
        with whole_folder(here / "out", "run", {}) as second:  # as another process would: both go on
            (second / "a.txt").write_text("second")
            assert first.is_dir()
        shutil.rmtree(here / "out")
    assert sorted(n for n in names(here) if n.startswith(".")) == [".other.1.part", ".out.mine.part"]
    assert set(contents(here / "out")) == {"a.txt", "manifest.json"}


def test_two_forced_runs_at_once(tmp_path: Path) -> None:
    """The loser of two runs that replace the same folder says so, and leaves nothing behind."""
    from neurosim.api import folders

    out = tmp_path / "out"
    with whole_folder(out, "run", {}) as folder:
        (folder / "a.txt").write_text("old")
    rename = os.rename

    def slow(source: Path, target: Path) -> None:
        rename(source, target)
        if target.suffix == ".old":  # in between, the other run puts its own there
            out.mkdir()
            (out / "b.txt").write_text("theirs")

    def write() -> None:
        with whole_folder(out, "run", {}, force=True) as folder:
            (folder / "a.txt").write_text("ours")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders.os, "rename", slow)
        with pytest.raises(InputError, match="output-exists"):
            write()
    assert contents(tmp_path) == {"out/b.txt": b"theirs"}


def test_manifests_name_the_command(neurosim: Neurosim, here: Path) -> None:
    """The command in a run's manifest, typed inside its folder, makes the same run again."""
    import json

    assert neurosim("demo --samples 1 --seed 3 --out mine --quiet").code == 0
    demo = json.loads((here / "mine" / "manifest.json").read_text())
    assert demo["command"] == ["neurosim", "demo", "--chip", "tiny", "--net", "dense", "--samples", "1", "--engine", "compiled", "--seed", "3"]
    run = json.loads((here / "mine" / "run" / "manifest.json").read_text())
    line = "run mapping --input input.npz --engine compiled --seed 3 -o ../again"
    assert run["command"] == ["neurosim", *line.split()]
    os.chdir(here / "mine" / "run")
    assert neurosim(line + " --quiet").code == 0
    for name in ("result.npz", "metrics.json", "comparison.json"):
        assert (here / "mine" / "again" / name).read_bytes() == (here / "mine" / "run" / name).read_bytes()


def test_report_into_a_read_only_folder(neurosim: Neurosim, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the report nor the removal of its beginning is allowed."""

    def refuse(path: Path, *given: object, **options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    shutil.copytree(here / "run", here / "mine")
    monkeypatch.setattr(Path, "write_bytes", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    found = neurosim("report mine")
    said = "error: mine/report.html: cannot write: Read-only file system [output-unwritable]\n"
    assert (found.code, found.err) == (2, said)


def test_swapped_axes_are_noticed(neurosim: Neurosim, here: Path) -> None:
    import numpy as np

    with np.load(here / "dense_test.npz") as digits:
        np.savez(here / "x.npz", x=digits["x"][:3].swapaxes(0, 1)[:2])
    found = neurosim("run mapped --input x.npz -o out")
    assert (found.code, found.err) == (
        0,
        "warning: the input has 3 steps per sample, but the mapping was made with 20; if 'x' is "
        "(steps, samples, ...), swap its first two axes with x.swapaxes(0, 1)\n",
    )
    assert "2 samples of 3 steps" in found.out


def test_a_right_length_gives_no_warning(neurosim: Neurosim) -> None:
    found = neurosim(RUN.removesuffix(" --quiet"))
    assert (found.code, found.err) == (0, "")
    assert "1 sample of 20 steps" in found.out
