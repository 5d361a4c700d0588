"""The files of a run's report, written one by one, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neurosim.analysis.metrics import metrics_json
from neurosim.report.data import ReportData
from neurosim.report.html import write_html
from neurosim.report.manifest import manifest_json
from neurosim.store import write_atomically


def write_report(data: ReportData, folder: Path, html: bool = True, sample: int = 0) -> list[Path]:
    """Write ``metrics.json``, ``manifest.json`` and, if asked for, ``report.html``.

    Returns:
        the paths written, in order.

    Raises:
        InputError: a file cannot be written.
    """
    paths = [folder / "metrics.json", folder / "manifest.json"]
    write_atomically(paths[0], metrics_json(data.metrics))
    write_atomically(paths[1], manifest_json(data.manifest))
    if html:
        paths.append(folder / "report.html")
        write_html(data, paths[-1], sample)
    return paths
