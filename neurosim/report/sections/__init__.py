"""The words and tables of the HTML report: badges, headline figures and rows, as plain values.

All read a :class:`~neurosim.report.data.ReportData` and know no HTML.  In the order of the page:
``headlines``, ``load``, ``energy``, ``mapping``, ``origins``; ``parts`` is what they are made of.
"""

from neurosim.report.sections.energy import check_table, event_table, evidence_table
from neurosim.report.sections.headlines import RUN_TEXT, RUN_TONE, badges, headlines
from neurosim.report.sections.load import FEW, Capacity, capacities, core_table, few_samples, link_table
from neurosim.report.sections.mapping import loss_note, loss_table, solver_table
from neurosim.report.sections.origins import (
    estimate_table,
    manifest_table,
    neurobench_table,
    provenance_table,
)
from neurosim.report.sections.parts import Badge, Headline, Table

__all__ = [
    "FEW",
    "RUN_TEXT",
    "RUN_TONE",
    "Badge",
    "Capacity",
    "Headline",
    "Table",
    "badges",
    "capacities",
    "check_table",
    "core_table",
    "estimate_table",
    "event_table",
    "evidence_table",
    "few_samples",
    "headlines",
    "link_table",
    "loss_note",
    "loss_table",
    "manifest_table",
    "neurobench_table",
    "provenance_table",
    "solver_table",
]
