"""``doctor`` says what is missing and how to get it."""

from __future__ import annotations

from importlib import metadata

import pytest

from neurosim import doctor
from neurosim.cli import main


def test_required_parts_are_the_declared_ones() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    declared = {d.split(">")[0].split("=")[0].strip() for d in project["dependencies"]}
    assert set(doctor.REQUIRED) == declared
    extras = {d.split(">")[0].split("=")[0] for name in ("train", "rtl", "trace") for d in project["optional-dependencies"][name]}
    assert extras <= {name for name, _, _ in doctor.OPTIONAL_PACKAGES}


def test_missing_parts_have_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = doctor._package
    monkeypatch.setattr(doctor, "_package", lambda name: None if name in ("cocotb", "torch") else real(name))
    monkeypatch.setattr(doctor, "_program", lambda name, flag: None)
    found = doctor.diagnose()
    assert found.is_healthy
    missing = {part.name: part.command for part in found.missing}
    assert missing["cocotb"] == "pip install 'neurosim-cycle[rtl]'"
    assert missing["g++"] == "apt-get install g++"
    assert missing["torch"].startswith("pip install torch==2.13.0")
    assert main(["doctor"]) == 0
    assert "apt-get install iverilog" in capsys.readouterr().out


def test_a_missing_required_part_is_exit_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "_package", lambda name: None if name == "simpy" else metadata.version("numpy"))
    assert main(["doctor"]) == 2
    out = capsys.readouterr().out
    assert "something required is missing" in out
    assert "pip install --upgrade neurosim-cycle" in out
