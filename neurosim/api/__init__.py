"""The public functions, one per command: they read, compute, write whole outputs, and never print.

Each is in a module of its own and is loaded when it is first used, so that importing this package costs
nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.api.bench_rtl import RtlBenchMade, bench_verilog
    from neurosim.api.benchmarking import BenchMade, bench
    from neurosim.api.checking import Checked, check
    from neurosim.api.chips import list_chips, show_chip
    from neurosim.api.demonstrating import DemoMade, demo
    from neurosim.api.diffing import Diffed, diff
    from neurosim.api.exporting import ExportMade, export_run
    from neurosim.api.importing import import_network
    from neurosim.api.mapper_benchmarking import MapperBenchMade, bench_mapper
    from neurosim.api.mapping import MappingMade, map_network
    from neurosim.api.reporting import ReportMade, report_run
    from neurosim.api.resuming import resume_run
    from neurosim.api.running import RunMade, run_mapping
    from neurosim.api.verifying import VerifyMade, verify

_HOMES = {
    "BenchMade": "benchmarking",
    "bench": "benchmarking",
    "RtlBenchMade": "bench_rtl",
    "bench_verilog": "bench_rtl",
    "Checked": "checking",
    "DemoMade": "demonstrating",
    "Diffed": "diffing",
    "ExportMade": "exporting",
    "MapperBenchMade": "mapper_benchmarking",
    "MappingMade": "mapping",
    "ReportMade": "reporting",
    "RunMade": "running",
    "VerifyMade": "verifying",
    "bench_mapper": "mapper_benchmarking",
    "check": "checking",
    "demo": "demonstrating",
    "diff": "diffing",
    "export_run": "exporting",
    "import_network": "importing",
    "list_chips": "chips",
    "map_network": "mapping",
    "report_run": "reporting",
    "resume_run": "resuming",
    "run_mapping": "running",
    "show_chip": "chips",
    "verify": "verifying",
}
__all__ = [
    "BenchMade", "Checked", "DemoMade", "Diffed", "ExportMade", "MapperBenchMade", "MappingMade",
    "ReportMade", "RtlBenchMade", "RunMade", "VerifyMade", "bench", "bench_mapper", "bench_verilog",
    "check", "demo", "diff", "export_run", "import_network", "list_chips", "map_network", "report_run",
    "resume_run", "run_mapping", "show_chip", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'neurosim.api' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"neurosim.api.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
