"""Properties of the small modules, proven by temporal induction with the SAT solver of pyosys.

Each property module in ``formal/`` wraps a module of ``hdl/``; its asserts are to hold in every cycle after
one of reset.  A proof takes a tenth of a second; a solver that fails ends its process, so each runs in one
of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import LimitError
from rtl_models import toolchain

FORMAL = toolchain.HERE / "formal"
PROPERTIES = {
    "fifo_props": ("sync_fifo",),
    "arbiter_props": ("rr_arbiter",),
    "credit_props": ("credit_counter", "sync_fifo"),
}
"""Property module and the modules that it needs."""
PROVEN = "Induction step proven: SUCCESS!"
REFUTED = "model found for base case: FAIL!"


@dataclass(frozen=True)
class Proof:
    """``proven`` by induction, or not: then ``trace`` is the solver's counterexample."""

    proven: bool
    trace: str


def prove(
    name: str, replace: Mapping[str, str] | None = None, parameters: Mapping[str, int] | None = None,
    max_steps: int = 12,
) -> Proof:
    """Prove the property module ``name`` (a key of PROPERTIES).

    ``replace`` gives modules of ``hdl/`` another text (for planted bugs), ``parameters`` those of the
    property module.

    Raises:
        LimitError: neither proven nor refuted in ``max_steps`` steps.
    """
    toolchain.require("pyosys")
    with tempfile.TemporaryDirectory() as folder:
        files = [FORMAL / f"{name}.v"]
        for module in PROPERTIES[name]:
            path = Path(folder) / f"{module}.v"
            path.write_text((replace or {}).get(module, (toolchain.HDL / f"{module}.v").read_text()))
            files.append(path)
        values = " ".join(f"-chparam {k} {v}" for k, v in (parameters or {}).items())
        script = [
            f"read_verilog -sv -formal {' '.join(map(str, files))}",
            f"hierarchy -check -top {name} {values}",
            "proc", "flatten", "opt_clean", "memory_map", "opt_clean", "async2sync",
            "sat -tempinduct -prove-asserts -set-assumes -seq 1 -set-at 1 rst 1 -show-all "
            f"-maxsteps {max_steps}",
        ]  # fmt: skip
        output = run_yosys(script)
    if PROVEN not in output and REFUTED not in output:
        raise LimitError(
            f"{name} is neither proven nor refuted in {max_steps} steps", code="rtl-formal-limit",
            got=output[-300:].strip(),
        )  # fmt: skip
    return Proof(PROVEN in output, "" if PROVEN in output else output[output.index(REFUTED) :])


def run_yosys(script: list[str]) -> str:
    """Run passes in a fresh process; everything that they printed."""
    code = "import sys; from pyosys import libyosys as y; d = y.Design(); [*map(d.run_pass, sys.argv[1:])]"
    done = subprocess.run(
        [sys.executable, "-c", code, *script], capture_output=True, text=True, check=False, timeout=600
    )
    return done.stdout + done.stderr
