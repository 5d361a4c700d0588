"""docs/verify_your_core.md, word for word: its commands print what it says, its parts make the shipped adapter."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from neurosim.cli import main
from rtl_models import toolchain
from rtl_models.dut.adapter import Adapter
from tests.rtl.dut_cases import check, pipe
from tests.rtl.needs import needs

needs("iverilog", "cocotb")

ROOT = Path(toolchain.HERE).parent
EXAMPLES = ROOT / "rtl_models/examples"
GUIDE = (ROOT / "docs/verify_your_core.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", GUIDE, re.S)
RUNS = [text.split("\n", 1) for language, text in BLOCKS if language == "console"]
PARTS = [text for language, text in BLOCKS if language == "yaml" and "exact_cycle" not in text]


def gist(text: str) -> Counter[str]:
    """The letters of a printed table: without times, on which the widths of its columns hang."""
    text = re.sub(r"\S*/dut/event_core\.\w+/", "CACHE/", text)
    return Counter(re.sub(r"\d+\.\d s|[\s─]", "", text))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder that looks like the repository's root to the guide's commands."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(EXAMPLES, tmp_path / "rtl_models/examples")
    (tmp_path / "my_core").mkdir()
    (tmp_path / "my_core/adapter.yaml").write_text(PARTS[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.mark.parametrize(
    "number", [0, 1, 3, pytest.param(4, marks=pytest.mark.slow), 5],
    ids=["example", "first part", "bug", "no answer", "router"],
)  # fmt: skip
def test_a_command_prints_what_the_guide_says(place, capsys, number):
    command, expected = RUNS[number]
    if number == 4:  # what the guide tells to do
        (place / "my_core/adapter.yaml").write_text("\n".join(PARTS))
        text = (EXAMPLES / "event_core/event_core.v").read_text()
        assert "AERIN_ACK <= 1'b1" in text
        (place / "my_core/event_core.v").write_text(text.replace("AERIN_ACK <= 1'b1", "AERIN_ACK <= 1'b0"))
    exit_code = main(command.removeprefix("$ neurosim ").split())
    captured = capsys.readouterr()
    assert gist(captured.out + captured.err) == gist(expected)
    assert exit_code == {0: 0, 1: 2, 3: 5, 4: 6, 5: 0}[number]


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
def test_the_examples_are_clean(tool):
    needs(tool)
    for name in ("event_core", "handshake_router"):
        assert toolchain.lint(tool, toolchain.Design(name, (EXAMPLES / name / f"{name}.v",), "")) == ""


def test_the_guides_parts_are_the_shipped_adapter():
    yaml = YAML(typ="safe")
    assert yaml.load("\n".join(PARTS)) == yaml.load((EXAMPLES / "event_core/adapter.yaml").read_text())
    assert gist(RUNS[2][1]) == gist(RUNS[0][1].replace("rtl_models/examples/event_core", "my_core"))
    router = next(text for language, text in BLOCKS if language == "yaml" and "exact_cycle" in text)
    shipped = yaml.load((EXAMPLES / "handshake_router/adapter.yaml").read_text())
    assert yaml.load(router)["against"] == shipped["against"]


def test_the_guide_names_every_key():
    named = set(re.findall(r"`(\w+)`", GUIDE)) | {"for"}

    schema = Adapter.model_json_schema()
    keys = {key for part in [schema, *schema["$defs"].values()] for key in part.get("properties", {})}
    assert keys - named == set()
    assert len(keys) > 70


def test_the_guides_model_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (text,) = [text for language, text in BLOCKS if language == "python"]
    verilog = """
module pipe (input clk, input rst, input a_valid, output a_ready, input [7:0] a_data,
             output reg b_valid, input b_ready, output reg [7:0] b_data);
    reg valid;
    reg [7:0] data;
    assign a_ready = 1;
    always @(posedge clk) begin
        valid <= ~rst & a_valid; data <= a_data << 1;
        b_valid <= ~rst & valid; b_data <= data;
    end
endmodule
"""
    field = {"name": "value", "bits": 8, "values": 100}
    path = pipe(
        tmp_path, "valid_ready", verilog=verilog, ports__a__fields=[field], ports__b__fields=[field],
        against={"equality": "exact_cycle", "own": {"model": "doubler.py:Doubler", "parameters": {"times": 2}}},
        stimuli__stall=0.0,
    )  # fmt: skip
    (tmp_path / "doubler.py").write_text(text.replace('"out"', '"b"'))
    assert check(path).is_good
