"""Size of the Verilog modules without a technology: cells, flip-flops and depth after generic synthesis.

Reads a chip and the sources; :func:`area_table` gives one row per module.  The counts are of Yosys' generic
gates (two inputs, multiplexers, flip-flops): good for ratios, not for areas.  Memories of up to LARGEST_FIFO
words become flip-flops; larger ones stay memories, whose bits are counted apart.  Memories that are loaded
from outside give values that nobody knows, so that nothing behind them is taken for constant.  Each module
below the top is mapped by itself and the whole is put together after that: a core as one piece takes the
mapper (abc) many times as long as its parts do.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.rtl import images
from neurosim.rtl.header import FILE_NAME, header_text
from neurosim.store import write_atomically
from rtl_models import toolchain
from rtl_models.formal import run_yosys

MODULES = (
    "sync_fifo", "rr_arbiter", "credit_counter", "aer_route", "chip_link", "async_fifo", "gals_link",
    "aer_router",
)  # fmt: skip
TREE_MODULES = ("aer_branch", "owed_branches")  # of routers with multicast
CORE_MODULES = (
    "receive_fifo", "transmit_fifo", "synapse_pipeline", "neuron_update", "neuron_loop", "neuron_core",
    "barrier_root", "barrier_tree", "host_port",
)  # fmt: skip
LARGEST_FIFO = 32  # words
BLOCKS = ("$mul", "$div", "$mod", "$divfloor", "$modfloor")
BUT_BLOCKS = " ".join(["t:*", *(f"t:{name} %d" for name in BLOCKS)])  # a selection of cells
TIME_LIMIT_S = 600.0  # of one module
COARSE = (  # the passes of Yosys' `synth` without state machines and resource sharing, which takes minutes
    "opt_expr", "opt_clean", "opt -nodffe -nosdff", "wreduce", "peepopt", "opt_clean", "opt",
    "memory -nomap", "opt_clean",
)  # fmt: skip


@dataclass(frozen=True)
class Area:
    """``cells`` of all kinds without memories, ``flip_flops`` among them, ``depth`` of the longest path.

    ``memory_bits`` are those of the memories that stayed memories, ``blocks`` the multipliers and dividers,
    which stay whole: a divider of 32 bits has more gates than all else, and no chip makes it of them.
    """

    module: str
    cells: int
    flip_flops: int
    depth: int
    memory_bits: int = 0
    blocks: int = 0


def area_table(
    chip: Chip, modules: Sequence[str] = MODULES, sources: Sequence[str] = (),
    parameters: Mapping[str, Mapping[str, int]] | None = None, seconds: float = TIME_LIMIT_S,
) -> list[Area]:  # fmt: skip
    """Synthesise each of ``modules`` for ``chip``; ``sources`` are modules needed beyond ours.

    ``parameters`` gives a module's parameters other values than its defaults.

    Raises:
        InputError: a module does not synthesise, with the synthesiser's own words.
        LimitError: a module took more than ``seconds``.
    """
    toolchain.require("pyosys")
    has_cores = any(module in CORE_MODULES for module in modules)
    names = dict.fromkeys([*toolchain.with_parts(*modules), *sources])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = images.chip_header_text(chip) if has_cores else header_text(chip)
        (folder / FILE_NAME).write_text(text)
        files = toolchain.hdl_sources(tuple(names))
        own_values = parameters or {}
        return [_kept(module, files, folder, own_values.get(module, {}), seconds) for module in modules]


def _kept(
    module: str, files: Sequence[Path], folder: Path, parameters: Mapping[str, int], seconds: float
) -> Area:
    """The area of ``module``, from the cache if these sources were synthesised before."""
    mine = (*toolchain.hdl_sources(toolchain.with_parts(module)), Path(__file__))
    texts = [path.read_text() for path in mine]
    header = (folder / FILE_NAME).read_text()
    key = json.dumps([module, dict(parameters), header, texts, version("pyosys")])
    path = toolchain.cache_folder() / f"area-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    if path.exists():
        return Area(**json.loads(path.read_text()))
    area = _area(module, files, folder, parameters, seconds)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asdict(area)).encode())
    return area


def _area(
    module: str, files: Sequence[Path], folder: Path, parameters: Mapping[str, int], seconds: float
) -> Area:
    values = " ".join(f"-chparam {name} {value}" for name, value in parameters.items())
    loaded = [f"delete t:$memrd* r:MEMID=*{name} %i" for name in images.MEMORIES]
    output = run_yosys(
        [
            f"read_verilog -I{folder} {' '.join(map(str, files))}",
            f"hierarchy -check -top {module} {values}", "proc",
            "design -save parts", "flatten", "dump", "design -load parts", *loaded,
            "setundef -undriven -anyseq", *COARSE,
            f"memory_map t:$mem_v2 r:SIZE<={LARGEST_FIFO} %i",
            "opt -fast -full", "opt -undriven -fine", f"techmap {BUT_BLOCKS}", "opt -fast",
            "abc -g AND,NAND,OR,NOR,XOR,XNOR,MUX", "flatten", "opt_clean -purge", "stat", "ltp -noff",
        ],
        seconds,
    )  # fmt: skip
    cells = re.findall(r"^\s+(\d+)\s+(?:\S+\s+)?cells$", output, re.M)
    if not cells:
        raise InputError(
            f"{module} does not synthesise", code="rtl-synthesis", where=f"{module}.v",
            got=next((line for line in output.splitlines() if "ERROR" in line), output[-200:].strip()),
        )  # fmt: skip
    last = output[output.rindex("Printing statistics") :]
    flops = sum(int(n) for n in re.findall(r"^\s+(\d+)\s+(?:\S+\s+)?\$_S?DFF\S*$", last, re.M))
    depth = re.search(r"Longest topological path in \S+ \(length=(\d+)\)", output)

    def n_of(names: Sequence[str]) -> int:
        kinds = "|".join(map(re.escape, names))
        return sum(int(n) for n in re.findall(rf"^\s+(\d+)\s+(?:\S+\s+)?(?:{kinds})$", last, re.M))

    none, blocks = n_of(("$mem_v2", "$anyseq")), n_of(BLOCKS)
    memories = re.findall(r"^\s*memory width (\d+) size (\d+)", output, re.M)
    bits = sum(int(width) * int(size) for width, size in memories if int(size) > LARGEST_FIFO)
    gates = int(cells[-1]) - none - blocks
    return Area(module, gates, flops, int(depth[1]) if depth else 0, bits, blocks)
