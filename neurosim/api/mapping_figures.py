"""The content of ``mapping.json``: what a mapping takes, what the solvers proved, its verdict on deadlock.

Reads the networks before and after mapping and the mapping itself; writes plain figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mapper import Mapping
    from neurosim.chip.models import Chip
    from neurosim.engines.base import Workload
    from neurosim.network.model import Network


def mapping_figures(
    floating: Network, integer: Network, mapped: Mapping, chip: Chip, options: Any,
    workload: Workload | None, loss: dict[str, Any] | None, with_all: bool,
) -> dict[str, Any]:  # fmt: skip
    """The content of ``mapping.json``; ``with_all`` counts every figure, with its formula."""
    from mapper.metrics import all_metrics, formula, mapping_metrics, program_loads
    from mapper.route.remedies import remedies
    from neurosim import store
    from neurosim.analysis.deadlock import analyse_deadlock, deadlock_dict
    from neurosim.api.run_warnings import first_spike_warnings
    from neurosim.fabric.topology import build_fabric

    deadlock = deadlock_dict(analyse_deadlock(chip, mapped.program, None))
    warnings = list(dict.fromkeys(mapped.network.warnings))
    if workload is None:
        loss_line = "" if floating.is_integer else ", and no quantisation loss was measured"
        warnings.append(f"no input was given: the traffic is {mapped.activity}{loss_line}")
    else:
        warnings += first_spike_warnings(integer, workload)
    for report in (*mapped.partition.solver, *mapped.placement.solver):
        if "stopped by" in report.detail:
            why = report.detail.split("stopped by ")[1].split(";")[0].split(",")[0]
            warnings.append(f"the search for the {report.stage} was stopped by {why}; the best so far stays")
        if report.method == "given" and "; " in report.detail:
            warnings.append(f"the given cores cost {report.detail.split('; ', 1)[1]}")
    if mapped.repairs:
        warnings.append("this mapping could deadlock and was repaired: " + "; ".join(mapped.repairs))
    if deadlock["mapped_flows"]["verdict"] != "free":
        for remedy in remedies(mapped, chip, options):
            warnings.append(f"{remedy} would make this mapping free of deadlock (tried)")
        warnings.append("this mapping can deadlock: the channel dependency graph of its flows has a cycle")
    program, parts = mapped.program, (mapped.partition, mapped.placement, mapped.routes)
    fabric = build_fabric(chip, table=mapped.routes.table)
    loads = program_loads(fabric, mapped.routes, program, mapped.spikes)
    if with_all:
        metrics = all_metrics(chip, mapped, loads)
    else:
        metrics = mapping_metrics(chip, *parts, program, loads)
    return {
        "schema": "neurosim-mapping",
        "schema_version": 1,
        "network": {
            "name": floating.name, "profile": floating.profile, "dt_s": floating.dt_s,
            "neurons": mapped.network.n_neurons, "synapses": mapped.network.n_synapses,
            "weight_bits": integer.weight_bits, "float_digest": store.digest(floating),
            "digest": program.network_digest,
        },
        "chip": {"name": chip.name, "digest": program.chip_digest, "chips": chip.n_chips},
        "seed": options.seed,
        "objective": options.objective,
        "effort": options.effort,
        "input_digest": None if workload is None else workload.digest,
        "input_samples": None if workload is None else workload.spikes.shape[0],
        "input_steps": None if workload is None else workload.spikes.shape[1],
        "activity": mapped.activity,
        "cores": {"used": len(program.cores), "available": int(metrics["cores_available"])},
        "fullest": _fullest(mapped, chip),
        "layers": _layers(mapped),
        "metrics": metrics,
        "multicast": _multicast(mapped),
        "busiest_link": _busiest_link(mapped, chip, loads),
        "hardware_steps_beyond_own": program.depth,
        "solver": [_solver(r) for r in (*mapped.partition.solver, *mapped.placement.solver)],
        "deadlock": deadlock,
        "deadlock_repairs": list(mapped.repairs),
        "quantisation": loss,
        "warnings": warnings,
        **({"formulas": {name: formula(name) for name in metrics}} if with_all else {}),
    }  # fmt: skip


def _fullest(mapped: Mapping, chip: Chip) -> dict[str, Any]:
    """Per resource of a core: the core that is fullest, what it holds and what it could."""
    from neurosim.analysis.load import RESOURCES, capacity_of, used_capacity
    from neurosim.fabric.topology import build_fabric

    fabric = build_fabric(chip)
    rows = [(i.core, used_capacity(i, chip), capacity_of(fabric, i.core)) for i in mapped.program.cores]
    fullest: dict[str, Any] = {}
    for resource in RESOURCES:
        core, used, limit = max(rows, key=lambda r: (r[1][resource] / max(1, r[2][resource]), -r[0]))
        fullest[resource] = {"core": core, "used": used[resource], "limit": limit[resource]}
    return fullest


def _layers(mapped: Mapping) -> list[dict[str, Any]]:
    """Per population: its neurons and the cores that hold some of them."""
    cores: dict[str, set[int]] = {}
    for image in mapped.program.cores:
        for group in image.groups:
            cores.setdefault(group.population, set()).add(image.core)
    return [
        {"population": p.name, "neurons": p.n, "cores": sorted(cores.get(p.name, ()))}
        for p in mapped.network.populations
        if not p.is_input
    ]


def _busiest_link(mapped: Mapping, chip: Chip, loads: Any) -> str | None:
    """The link with the most expected packets; None if nothing crosses one."""
    from mapper.metrics import busiest_link
    from neurosim.fabric.topology import build_fabric

    fabric = build_fabric(chip, table=mapped.routes.table)
    return busiest_link(fabric, loads) if loads.any() else None


def _multicast(mapped: Mapping) -> dict[str, Any] | None:
    """What the trees do; None where there are none."""
    from dataclasses import asdict

    found = mapped.multicast
    return None if found is None else {**asdict(found), "left_out": dict(found.left_out)}


def _solver(report: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(report), "gap": report.gap, "unit": report.unit}
