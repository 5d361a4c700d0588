"""The HTML report: one offline file with maps, charts and tables, for light and dark.

Reads a :class:`~neurosim.report.data.ReportData`; writes one self-contained page.  plotly.js is
inlined; nothing is loaded from anywhere.  Equal data give equal bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neurosim.analysis.deadlock import (
    StaticFinding,
    conclusion_text,
    core_name,
    run_line,
    scope_text,
    static_line,
)
from neurosim.report import charts, maps, sections
from neurosim.report.data import ReportData
from neurosim.report.dead_marks import DEAD
from neurosim.report.text import count
from neurosim.store import write_atomically

TEMPLATES = Path(__file__).parent / "templates"


def render_page(template: str, **context: Any) -> str:
    """A template of this package as one page that needs nothing else: style, plotly.js and script inlined."""
    import jinja2
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["chart_json"] = lambda chart: Markup(_script_json(chart))
    environment.filters["count"] = count
    style = environment.get_template("style.css").render()
    script = (TEMPLATES / "charts.js").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        style=Markup(style), charts_script=Markup(script), plotly=Markup(get_plotlyjs()), **context
    )


def render_html(data: ReportData, sample: int = 0) -> str:
    """The page as text; ``sample`` is the one whose spikes are drawn (0 if it is out of range)."""
    return render_page(
        "report.html.j2", **view(data, sample if 0 <= sample < data.result.n_samples else 0)
    )


def write_html(data: ReportData, path: Path, sample: int = 0) -> None:
    """Write the page to ``path``, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    write_atomically(path, render_html(data, sample).encode())


def _script_json(chart: Any) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(chart, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def view(data: ReportData, sample: int) -> dict[str, Any]:
    """Everything that the template shows."""
    from markupsafe import Markup

    deadlock = data.figures.deadlock
    loaded = maps.load_maps(data)
    drawn = [maps.cycle_map(data.fabric, f) for f in (deadlock.flows, deadlock.routing)]
    energy = data.figures.energy
    found = {
        "latency_sample": charts.sample_latency(data),
        "latency_packet": charts.packet_latency(data),
        "latency_operations": charts.operations_per_sample(data),
        "timeline": charts.timeline(data),
        "energy_event": charts.energy_by_event(data),
        "energy_component": charts.energy_by_component(data),
        "raster": charts.spike_raster(data, sample),
    }
    return {
        "data": data,
        "run": data.metrics["run"],
        "badges": sections.badges(data),
        "headlines": sections.headlines(data),
        "maps": [_safe_map(m) for m in loaded],
        "has_dead": any(css == DEAD for m in loaded for css, _ in m.legend),
        "missing_maps": maps.missing_maps(data, loaded),
        "missing_reason": maps.missing_reason(data),
        "cycle_maps": [_safe_map(m) for m in drawn if m is not None],
        "wide": any(m.columns > 12 for m in loaded),
        "charts": found,
        "few": sections.few_samples(data),
        "sample": sample,
        "deadlock": _deadlock_view(data),
        "links": sections.link_table(data),
        "cores": sections.core_table(data),
        "capacities": sections.capacities(data),
        "solver": sections.solver_table(data),
        "loss": sections.loss_table(data),
        "loss_note": sections.loss_note(data).strip(),
        "events": sections.event_table(data),
        "evidence": sections.evidence_table(data),
        "checks": sections.check_table(data),
        "not_priced": tuple(e for e in energy.not_priced if e.count) if energy else (),
        "neurobench": sections.neurobench_table(data),
        "provenance": sections.provenance_table(data),
        "manifest": sections.manifest_table(data),
        "estimate": sections.estimate_table(data),
        "not_measured": {  # prices have a list of their own
            path: reason
            for path, reason in data.metrics["not_measured"].items()
            if not path.startswith("energy.by_event.")
        },
        "empty": Markup('<p class="missing">not measured</p>'),
    }


def _safe_map(drawn: maps.MeshMap) -> dict[str, Any]:
    from markupsafe import Markup

    return {
        "title": drawn.title, "note": drawn.note, "svg": Markup(drawn.svg), "scale": drawn.scale,
        "legend": drawn.legend, "inset": Markup(drawn.inset), "is_lines": drawn.is_lines,
    }  # fmt: skip


def _deadlock_view(data: ReportData) -> dict[str, Any]:
    report = data.figures.deadlock

    def tone(finding: StaticFinding, otherwise: str) -> str:
        return "good" if finding.result.is_free else otherwise

    def cycle(finding: StaticFinding) -> list[tuple[str, str]]:
        return [
            (name, ", ".join(f"{core_name(a)} → {core_name(b)}" for a, b in flows))
            for _, name, flows in finding.cycle
        ]

    run_tone = sections.RUN_TONE.get(data.result.verdict.status, "bad")
    return {
        "conclusion": conclusion_text(report),
        "scope": scope_text(data.program),
        "lines": [
            (tone(report.flows, "bad"), static_line(report.flows), cycle(report.flows)),
            (tone(report.routing, "warn"), static_line(report.routing), cycle(report.routing)),
            (run_tone, run_line(report.run), []),
        ],
        "blocked": data.result.verdict.blocked,
        "drop_after_cycles": report.drop_after_cycles,
    }
