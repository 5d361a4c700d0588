"""Builds the design and reads what came out: its ports, memories and parameters.

Icarus elaborates in every case (a tenth of a second); what it says about ports and memories is read from the
program that it writes.  Everything that the adapter names is held against that before a cycle is simulated.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import InputError, did_you_mean
from rtl_models import toolchain
from rtl_models.dut.loading import Loaded

PROGRAM = "sim.vvp"
_SCOPE = re.compile(r'(S_\w+) \.scope (\w+), "[^"]*" "([^"]*)"(.*)')
_PORT = re.compile(r'\s+\.port_info \d+ /(\w+) (\d+) "(.*)";')
_ARRAY = re.compile(r'\S+ \.array\S* "(.*)", (-?\d+) (-?\d+), (-?\d+) (-?\d+);')
_PARAMETER = re.compile(r'\S+ \.param/\w+ "(.*)" 0 ')
_DUMP = """`timescale 1ns/1ps  // also of files that say nothing themselves
module neurosim_dump;  // writes the waveform around a difference, if asked to
    reg [8*512-1:0] file;
    reg [63:0] from_ps;
    initial
        if ($value$plusargs("neurosim_vcd=%s", file)) begin
            if (!$value$plusargs("neurosim_from=%d", from_ps)) from_ps = 0;
            #(from_ps / 1000.0);
            $dumpfile(file);
            $dumpvars(0, {top});
        end
endmodule
"""


@dataclass(frozen=True)
class Memory:
    """A memory of the elaborated design."""

    words: int
    bits: int


@dataclass(frozen=True)
class Elaborated:
    """The design: ``ports`` name -> (INPUT, OUTPUT or INOUT, bits), ``memories`` by hierarchical name."""

    folder: Path
    ports: Mapping[str, tuple[str, int]]
    memories: Mapping[str, Memory]
    parameters: frozenset[str]


def sources_of(loaded: Loaded) -> list[Path]:
    """The source files, in the order of the adapter; a glob's files by name.

    Raises:
        InputError: a name or glob matches no file.
    """
    found: list[Path] = []
    for index, name in enumerate(loaded.adapter.design.sources):
        at = ("design", "sources", index)
        if Path(name).is_absolute():
            files = [Path(name)]
        else:
            try:
                files = sorted(loaded.folder.glob(name))
            except ValueError as error:
                raise loaded.error(at, f"not a file name: {error}", "no-file", got=name) from error
        files = [path.resolve() for path in files if path.is_file()]
        if not files:
            near = did_you_mean(name, _verilog(loaded.folder))
            expected = f"a file in {loaded.folder}"
            raise loaded.error(at, f"no file '{name}'", "no-file", expected=expected, hint=near)
        found += [path for path in files if path not in found]
    return found


def _verilog(folder: Path) -> list[str]:
    """Names that may have been meant."""
    found = [path for pattern in ("*.v", "*/*.v", "*.sv", "*/*.sv") for path in folder.glob(pattern)]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def elaborate(
    loaded: Loaded, folder: Path, defines: Mapping[str, str], parameters: Mapping[str, str]
) -> Elaborated:
    """Build the design in ``folder``; ``defines`` and ``parameters`` are those of the adapter, as text.

    Raises:
        InputError: a file is missing, or Icarus refuses the design (its log is kept and named).
    """
    toolchain.require("iverilog", "cocotb")
    design = loaded.adapter.design
    sources = sources_of(loaded)
    (folder / "neurosim_dump.v").write_text(_DUMP.replace("{top}", design.top))
    includes = [f"-I{(loaded.folder / name).resolve()}" for name in design.include_dirs]
    command = [
        "iverilog", f"-g{design.language}", "-o", PROGRAM, "-s", design.top, "-s", "neurosim_dump",
        *(f"-D{name}={value}" for name, value in sorted(defines.items())), *includes,
        *(f"-P{design.top}.{name}={value}" for name, value in sorted(parameters.items())),
        "neurosim_dump.v", *map(str, sources),
    ]  # fmt: skip
    try:
        said = toolchain.run_tool(command, folder)
    except InputError as error:
        raise _refused(loaded, sources, folder / "iverilog.log") from error
    (folder / "iverilog.log").write_text(f"$ {shlex.join(command)}\n{said}")
    found = read_program(folder, design.top)
    for name in design.parameters:
        if name not in found.parameters:
            near = did_you_mean(name, found.parameters)
            raise loaded.error(
                ("design", "parameters", name), f"no parameter '{name}' in top '{design.top}'",
                "no-parameter", expected=None if near else _listed(found.parameters), hint=near,
            )  # fmt: skip
    return found


def _refused(loaded: Loaded, sources: list[Path], log: Path) -> InputError:
    lines = [line.strip() for line in log.read_text().splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    top = loaded.adapter.design.top
    texts = [path.read_text(errors="replace") for path in sources]
    modules = {name for text in texts for name in re.findall(r"^\s*module\s+(\w+)", text, re.M)}
    hint = None
    if top not in modules:
        hint = did_you_mean(top, modules) or "modules in the sources: " + ", ".join(sorted(modules))
    got = (errors or lines or ["nothing"])[0].replace(f"{loaded.folder.resolve()}/", "")
    return InputError(
        f"the design does not elaborate: Icarus says so about top '{top}'", code="dut-elaborate",
        where=str(log), got=got, hint=hint,
    )  # fmt: skip


def _listed(names: frozenset[str]) -> str:
    return "one of " + ", ".join(sorted(names)) if names else "nothing: the top has none"


def read_program(folder: Path, top: str) -> Elaborated:
    """Read ports, memories and parameters from what Icarus wrote into ``folder``."""
    paths: dict[str, str] = {}
    ports: dict[str, tuple[str, int]] = {}
    memories: dict[str, Memory] = {}
    parameters: set[str] = set()
    here: str | None = None
    with open(folder / PROGRAM) as file:
        for line in file:
            if match := _SCOPE.match(line):
                here = _path(match, paths, top)
            elif line.startswith("    .scope "):
                break  # from here on it is code
            elif here is None:
                continue
            elif match := _PORT.match(line):
                if here == "":
                    ports[match[3]] = (match[1], int(match[2]))
            elif match := _ARRAY.match(line):
                first, last, high, low = (int(match[k]) for k in range(2, 6))
                name = match[1] if here == "" else f"{here}.{match[1]}"
                memories[name] = Memory(abs(first - last) + 1, abs(high - low) + 1)
            elif here == "" and (match := _PARAMETER.match(line)):
                parameters.add(match[1])
    return Elaborated(folder, ports, memories, frozenset(parameters))


def _path(match: re.Match[str], paths: dict[str, str], top: str) -> str | None:
    """The scope's name below the top ("" is the top), None if it is elsewhere."""
    number, _, name, rest = match.groups()
    parent = re.search(r"(S_\w+);", rest)
    if parent is None:
        path = "" if name == top else None
    else:
        above = paths.get(parent[1])
        path = None if above is None else f"{above}.{name}" if above else name
    if path is not None:
        paths[number] = path
    return path
