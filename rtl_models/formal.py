"""Properties of the small modules, proven by temporal induction with the SAT solver of pyosys.

Each property module in ``formal/`` wraps a module of ``hdl/``; its asserts are to hold in every cycle after
one of reset.  A proof takes a tenth of a second; a solver that fails ends its process, so each runs in one
of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.chip.loader import load_chip
from neurosim.chip.models import Chip
from neurosim.errors import LimitError
from neurosim.rtl.header import FILE_NAME
from neurosim.rtl.images import chip_header_text
from rtl_models import toolchain

FORMAL = toolchain.HERE / "formal"
PROPERTIES = {
    "fifo_props": ("sync_fifo",),
    "arbiter_props": ("rr_arbiter",),
    "credit_props": ("credit_counter", "sync_fifo"),
    "branches_props": ("owed_branches", "credit_counter", "sync_fifo"),
    "barrier_props": ("barrier_root", "barrier_tree", "delay_line"),
    "membrane_props": ("neuron_update",),
    "once_props": ("neuron_update",),
    "async_fifo_props": ("async_fifo", "synchroniser"),
    "gals_props": (
        "gals_link", "async_fifo", "chip_link", "credit_counter", "credit_crossing", "delay_line",
        "synchroniser",
    ),
}
"""Property module and the modules that it needs."""
CLAIMS = {
    "fifo_props": "no word is lost, doubled or out of order; never more than fit",
    "arbiter_props": "one winner, and nobody waits for more than the others",
    "credit_props": "credits, flits under way and slots filled always add up; no overflow",
    "branches_props": "a multicast flit sends each of its copies exactly once, and one credit with the last",
    "barrier_props": "no token while a loop runs or a packet is under way",
    "membrane_props": "the membrane stays between its floor and the top of its width",
    "once_props": "a first-spike neuron fires at most once in a sample, never while silent, then is at rest",
    "async_fifo_props": "two clocks: Gray pointers change in one bit, words in order, never more than fit",
    "gals_props": "two clocks: credits, flits under way and slots filled add up; no overflow",
}
"""What is proven, in words."""
MULTICAST = ("branches_props",)
"""Those of modules that only routers with multicast have."""
TWO_CLOCKS = ("async_fifo_props", "gals_props")
"""Those whose clocks are inputs like all others: they rise, fall or stay in every step, each by itself."""
PROVEN = "Induction step proven: SUCCESS!"
REFUTED = "model found for base case: FAIL!"


@dataclass(frozen=True)
class Proof:
    """``proven`` by induction, or not: then ``trace`` is the solver's counterexample."""

    proven: bool
    trace: str


def prove(
    name: str, replace: Mapping[str, str] | None = None, parameters: Mapping[str, int] | None = None,
    max_steps: int = 12, chip: Chip | None = None, defines: Sequence[str] = (),
) -> Proof:
    """Prove the property module ``name`` (a key of PROPERTIES).

    ``replace`` gives modules of ``hdl/`` another text (for planted bugs), ``parameters`` those of the
    property module, ``chip`` the numbers of the header (default: the preset ``tiny``), ``defines`` macros.

    Raises:
        LimitError: neither proven nor refuted in ``max_steps`` steps.
    """
    toolchain.require("pyosys")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE_NAME).write_text(chip_header_text(load_chip("tiny") if chip is None else chip))
        files = [FORMAL / f"{name}.v"]
        for module in PROPERTIES[name]:
            path = Path(folder) / f"{module}.v"
            path.write_text((replace or {}).get(module, (toolchain.HDL / f"{module}.v").read_text()))
            files.append(path)
        values = " ".join(f"-chparam {k} {v}" for k, v in (parameters or {}).items())
        flags = [f"-I{folder}", f"-I{FORMAL}", *(f"-D{name}" for name in defines)]
        script = [
            " ".join(["read_verilog -sv -formal", *flags, *map(str, files)]),
            f"hierarchy -check -top {name} {values}",
            "proc", "flatten", "opt_clean", "memory_map",
            "clk2fflogic" if name in TWO_CLOCKS else "async2sync", "opt -full",
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


def run_yosys(script: list[str], seconds: float = 600.0) -> str:
    """Run passes in a fresh process; everything that they printed.

    Raises:
        LimitError: they took more than ``seconds``.
    """
    code = "import sys; from pyosys import libyosys as y; d = y.Design(); [*map(d.run_pass, sys.argv[1:])]"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, *script], capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise LimitError(f"yosys was not done after {seconds:g} seconds", code="rtl-time-limit") from error
    return done.stdout + done.stderr
