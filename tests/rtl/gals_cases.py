"""Two-clock links for the tests: sizes, pairs of clocks, planted bugs."""

from __future__ import annotations

from neurosim.rtl.header import header_text
from rtl_models import toolchain
from rtl_models.cosim import run_bench
from tests.helpers.chips import make_chip

DEPTH = 4  # credits of each VC
SERIAL = {
    "FLIT_BITS": 16, "VC_BITS": 1, "CREDITS": 2, "DELAY": 4, "CYCLES_PER_FLIT": 2, "ADDRESS_BITS": 3, "STAGES": 2,
    "CREDIT_DELAY": 1, "CREDIT_BITS": 3,
}  # fmt: skip
WIDE = {**SERIAL, "CREDITS": 1, "DELAY": 0, "CYCLES_PER_FLIT": 1, "ADDRESS_BITS": 2, "STAGES": 3, "CREDIT_DELAY": 0}
UNIT_PS = 600
RATIOS = ((1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (4, 1))
PHASES = ((0, 0), (0, 300), (150, 0), (1, 2))
INTEGER = [
    ((UNIT_PS * send, first), (UNIT_PS * receive, second))
    for send, receive in RATIOS for first, second in PHASES
]  # fmt: skip
FEW = [INTEGER[number] for number in (1, 21, 6, 10)]
ANY = [((1000, 0), (1618, 7)), ((1001, 3), (1000, 0)), ((2718, 0), (999, 500)), ((500, 0), (3999, 1))]

BUGS = {
    "pointer crosses as a plain number": (
        "async_fifo", "write_gray <= write_next ^ (write_next >> 1)", "write_gray <= write_next",
    ),
    "credit count crosses as a plain number": (
        "credit_crossing", "given_gray <= given_next ^ (given_next >> 1)", "given_gray <= given_next",
    ),
    "last stage of the synchronisers is left out": (
        "synchroniser", "out = stages[STAGES*WIDTH-1-:WIDTH]", "out = stages[WIDTH-1:0]",
    ),
    "FIFO pointers one bit short": ("gals_link", ".ADDRESS_BITS(ADDRESS_BITS)", ".ADDRESS_BITS(ADDRESS_BITS - 1)"),
    "count of credits one bit short": ("gals_link", ".BITS  (CREDIT_BITS)", ".BITS  (CREDIT_BITS - 1)"),
    "one credit too many": ("credit_crossing", "taken_next ^ (taken_next >> 1)", "taken ^ (taken >> 1)"),
    "credits of two VCs at once are one": (
        "gals_link", ".give(freed[v])", ".give(freed[v] & ~(v != 0 && freed[0]))",
    ),
    "synchroniser in the other clock": ("credit_crossing", ".clk(take_clk)", ".clk(give_clk)"),
    "serialiser one cycle short": ("chip_link", ".CYCLES(DELAY - CYCLES_PER_FLIT - 1)", ".CYCLES(DELAY - CYCLES_PER_FLIT - 2)"),
    "piece lost": ("chip_link", "LAST_PIECE = CYCLES_PER_FLIT - 1", "LAST_PIECE = CYCLES_PER_FLIT - 2"),
    "flit and VC the wrong way round": ("gals_link", ".front({out_vc, out_flit})", ".front({out_flit, out_vc})"),
}  # fmt: skip


def planted(bug: str) -> dict[str, str]:
    """File name and text of the module with ``bug``."""
    module, old, new = BUGS[bug]
    return with_edits({module: ((old, new),)})


def with_edits(edits) -> dict[str, str]:
    """File name and text of modules with ``edits``, each of a text that is there once."""
    found = {}
    for module, pairs in edits.items():
        text = (toolchain.HDL / f"{module}.v").read_text()
        for old, new in pairs:
            assert text.count(old) == 1, "the bug's place has moved"
            text = text.replace(old, new)
        found[f"{module}.v"] = text
    return found


def skewed() -> dict[str, str]:
    """The synchroniser that catches changing bits by chance."""
    return {"synchroniser.v": (toolchain.BENCH / "skewed_synchroniser.v").read_text()}


def run_link(folder, parameters, clocks, exact=True, flits=40, drawn=0, replace=None, seed=1, simulator="icarus") -> None:
    """Run the bench.

    Raises:
        MismatchError: the first difference.
    """
    header = header_text(make_chip(2, 2))
    design = toolchain.Design("gals_link", toolchain.hdl_sources(toolchain.with_parts("gals_link")), header, replace=replace or {})
    job = {"parameters": parameters, "depth": DEPTH, "exact": exact, "clocks": clocks, "flits": flits, "seed": seed,
           "drawn": drawn}  # fmt: skip
    run_bench(design, "gals_lockstep", job, folder, parameters, simulator, seconds=300)
