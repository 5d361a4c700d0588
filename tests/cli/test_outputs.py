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

    with pytest.raises(InputError, match="cannot write: Directory not empty"):
        write()
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
    assert sorted(manifest["files"]) == manifest["files"]
    assert set(manifest["files"]) == set(contents(here / "out")) - {"manifest.json"}
    assert neurosim("check out").code == 0


def _is_packet() -> object:
    import pyarrow.compute as pc

    return pc.field("kind") == "packet"
