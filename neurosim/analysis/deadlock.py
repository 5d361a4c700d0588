"""The deadlock verdict: what can be proven before a run, and what was seen in it, side by side.

Reads a chip, a Program and the run's Verdict; writes a :class:`DeadlockReport` that turns into lines
of text and into the ``deadlock`` part of ``metrics.json``.  A run without a deadlock proves nothing,
so the static part is always there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, program_flows, tree_sends
from neurosim.artefacts.result import Verdict
from neurosim.chip.models import Chip
from neurosim.fabric.cdg import NOT_CHECKED, CdgResult, analyse_flows, analyse_routing, describe_channel
from neurosim.fabric.topology import build_fabric

STATUS_TEXT = {
    "ok": "every sample finished",
    "deadlock": "DEADLOCK",
    "partial_deadlock": "PARTIAL DEADLOCK",
    "saturated": "SATURATED",
    "lost_packets": "PACKETS LOST",
    "limit": "LIMIT REACHED",
}


@dataclass(frozen=True)
class StaticFinding:
    """The dependency graph of the routing function or of the mapped flows, in words.

    ``cycle`` holds (channel number, description, flows) for each channel of the shortest cycle; the
    flows (source core, target core) are those that hold it and wait for the next one.
    """

    subject: str
    result: CdgResult
    cycle: tuple[tuple[int, str, tuple[tuple[int, int], ...]], ...]


@dataclass(frozen=True)
class DeadlockReport:
    """``conclusion`` is one of proven_free, possible, happened; see :func:`conclude`."""

    routing: StaticFinding
    flows: StaticFinding
    run: Verdict | None
    drop_after_cycles: int | None

    @property
    def conclusion(self) -> str:
        """What follows from all of it."""
        if self.run is not None and self.run.status in ("deadlock", "partial_deadlock"):
            return "happened"
        return "proven_free" if self.flows.result.is_free else "possible"


def analyse_deadlock(chip: Chip, program: Program, run: Verdict | None) -> DeadlockReport:
    """Both static checks of ``program`` on ``chip``, beside the run's verdict (None: not run).

    The routing function is the chip's rule by itself; the mapped flows follow the program's tables and trees
    too.  Where there are any, both findings say in their ``subject`` what they are about.
    """
    more = _beside_the_rule(program)
    routing, flows = "routing function", "mapped flows"
    if more:
        routing, flows = f"{routing} without {more}", f"{flows} with {more}"
    fabric = build_fabric(chip, table=program.table, trees=program.trees)

    def finding(subject: str, result: CdgResult) -> StaticFinding:
        cycle = tuple(
            (int(number), describe_channel(fabric, int(number)), flows)
            for number, flows in zip(result.cycle, result.cycle_flows, strict=True)
        )
        return StaticFinding(subject, result, cycle)

    return DeadlockReport(
        routing=finding(routing, analyse_routing(build_fabric(chip))),
        flows=finding(flows, analyse_flows(fabric, *program_flows(program), tree_sends(program))),
        run=run,
        drop_after_cycles=chip.router.drop_after_cycles,
    )


def _beside_the_rule(program: Program) -> str:
    """What leads packets besides the routing function: routing tables, multicast trees, both, or ""."""
    table, trees = program.table, program.trees
    kinds = [("routing tables", table is not None and table.n), ("multicast trees", trees is not None)]
    return " and ".join(name for name, there in kinds if there)


def scope_text(program: Program) -> str:
    """What the two static checks are checks of, in two sentences."""
    more = _beside_the_rule(program)
    left_out, by = (f", {more} left out", f" and {more}") if more else ("", "")
    return (
        "The routing function is checked for any core sending to any other, by the chip's rule alone"
        f"{left_out}. The mapped flows are the packets that this mapping can send, by that rule{by}: they "
        "decide whether it can deadlock."
    )


def core_name(core: int) -> str:
    """``host`` or ``core 3``."""
    return "host" if core == HOST else f"core {core}"


def static_line(finding: StaticFinding) -> str:
    """One sentence about one dependency graph."""
    result = finding.result
    if result.verdict == NOT_CHECKED:
        return f"{finding.subject}: not checked, {_n(result.n_flows, 'pair')} are too many"
    size = f"{_n(result.n_channels, 'channel')}, {_n(result.n_edges, 'dependency', 'dependencies')}"
    if result.is_free:
        return f"{finding.subject}: free of deadlock; certificate: a topological order of {size}"
    groups = sorted(Counter(result.cyclic_sizes).items())
    parts = " and ".join(f"{count} of {_n(length, 'channel')}" for length, count in groups)
    return (
        f"{finding.subject}: can deadlock; cyclic components: {parts} (of {size}); "
        f"the shortest cycle has {_n(len(result.cycle), 'channel')}"
    )


def _n(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def cycle_lines(finding: StaticFinding) -> list[str]:
    """The cycle, one channel per line, with the flows that make each dependency."""
    lines = []
    for _, name, flows in finding.cycle:
        makers = ", ".join(f"{core_name(a)} -> {core_name(b)}" for a, b in flows)
        lines.append(f"{name}, held by {makers}")
    return lines


def run_line(run: Verdict | None) -> str:
    """One sentence about the run."""
    if run is None:
        return "run: not measured"
    return f"run: {STATUS_TEXT.get(run.status, run.status)}; {run.summary}"


def verdict_lines(report: DeadlockReport) -> list[str]:
    """The whole verdict as lines of plain text; lines of a cycle are indented by two spaces."""
    lines = []
    for finding in (report.routing, report.flows):
        lines.append(static_line(finding))
    if not report.flows.result.is_free:
        lines += [f"  {line}" for line in cycle_lines(report.flows)]
    lines.append(run_line(report.run))
    if report.run is not None:
        lines += [f"  {sentence}" for sentence in report.run.blocked]
    if report.drop_after_cycles is not None and not report.flows.result.is_free:
        lines.append(
            f"routers drop a packet after {report.drop_after_cycles} cycles: "
            "such a cycle loses packets instead of standing still"
        )
    lines.append(f"conclusion: {conclusion_text(report)}")
    return lines


CONCLUSION_TEXT = {
    "proven_free": "this mapping cannot deadlock",
    "possible": "this mapping can deadlock, although this run did not",
    "happened": "this mapping deadlocks",
}


def conclusion_text(report: DeadlockReport) -> str:
    """The conclusion as a sentence, which speaks of a run only if there was one."""
    if report.conclusion == "possible" and report.run is None:
        return "this mapping can deadlock"
    return CONCLUSION_TEXT[report.conclusion]


def deadlock_dict(report: DeadlockReport) -> dict[str, Any]:
    """The ``deadlock`` part of ``metrics.json``."""

    def static(finding: StaticFinding) -> dict[str, Any]:
        result = finding.result
        return {
            "verdict": result.verdict,
            "n_flows": result.n_flows,
            "n_channels": result.n_channels,
            "n_dependencies": result.n_edges,
            "certificate_channels": len(result.order),
            "cyclic_component_sizes": list(result.cyclic_sizes),
            "cycle": [
                {"channel": number, "name": name, "flows": [list(flow) for flow in flows]}
                for number, name, flows in finding.cycle
            ],
        }

    return {
        "conclusion": report.conclusion,
        "routing_function": static(report.routing),
        "mapped_flows": static(report.flows),
        "drop_policy": report.drop_after_cycles is not None,
        "lines": verdict_lines(report),
    }
