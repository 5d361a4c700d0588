"""The layout of ``metrics.json`` as a JSON Schema (draft 2020-12), with a meaning for every figure.

A figure that may be missing is nullable; the reason then stands in ``not_measured``.  Adding a key
keeps :data:`SCHEMA_VERSION`; renaming one, removing one or changing a unit raises it.
"""

from __future__ import annotations

from typing import Any

from neurosim.rules.events import EVENTS

SCHEMA_VERSION = 1
Schema = dict[str, Any]


def _value(kind: str, meaning: str, nullable: bool = True) -> Schema:
    return {"type": [kind, "null"] if nullable else kind, "description": meaning}


def _int(meaning: str, nullable: bool = True) -> Schema:
    return _value("integer", meaning, nullable)


def _num(meaning: str, nullable: bool = True) -> Schema:
    return _value("number", meaning, nullable)


def _text(meaning: str) -> Schema:
    return _value("string", meaning, False)


def _object(meaning: str, properties: Schema, nullable: bool = False) -> Schema:
    return {
        "type": ["object", "null"] if nullable else "object",
        "description": meaning,
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _list(meaning: str, items: Schema, nullable: bool = True) -> Schema:
    return {"type": ["array", "null"] if nullable else "array", "description": meaning, "items": items}


def _map(meaning: str, values: Schema, nullable: bool = True) -> Schema:
    kind = ["object", "null"] if nullable else "object"
    return {"type": kind, "description": meaning, "additionalProperties": values}


def _spread(meaning: str, unit: str) -> Schema:
    text = {"mean": "mean", "min": "smallest", "p50": "median", "p99": "99th percentile", "max": "largest"}
    values = {k: _num(f"{v}, {unit}; percentiles are nearest rank", False) for k, v in text.items()}
    return _object(meaning, values, nullable=True)


def _run() -> Schema:
    digests = {k: _text(f"SHA-256 of the {k}") for k in ("program", "chip", "network", "input")}
    return _object("what was run", {
        "engine": _text("engine"), "program": _text("program"), "network": _text("network"),
        "chip": _text("chip description"), "n_chips": _int("chips", False), "seed": _int("seed", False),
        "n_samples": _int("samples run", False), "n_steps": _int("the network's steps per sample", False),
        "hardware_steps": _int("hardware steps per sample", False),
        "n_neurons": _int("neurons, inputs not counted", False),
        "n_synapses": _int("synapses if convolutions were unrolled", False),
        "used_cores": _int("cores that hold neurons", False), "digests": _object("digests", digests),
    })  # fmt: skip


def _verdict() -> Schema:
    return _object("how the run ended", {
        "status": _text("ok, deadlock, partial_deadlock, saturated, lost_packets or limit"),
        "summary": _text("one sentence"), "sample": _int("sample in which it happened, or -1", False),
        "cycle": _int("cycle in which it happened, or -1", False),
        "blocked": _list("the cycle of blocked buffers", _text("one sentence"), False),
    })  # fmt: skip


def _deadlock() -> Schema:
    flow = _list("source and target core, -1 is the host", _int("core", False), False)
    channel = _object("a channel of the cycle", {
        "channel": _int("channel number", False), "name": _text("where it is"),
        "flows": _list("flows that hold it and want the next one", flow, False),
    })  # fmt: skip
    static = _object("a channel dependency graph", {
        "verdict": _text("free or cyclic"), "n_flows": _int("flows walked", False),
        "n_channels": _int("channels in use", False), "n_dependencies": _int("dependencies", False),
        "certificate_channels": _int("channels in the topological order, 0 if cyclic", False),
        "cyclic_component_sizes": _list("channels per cyclic component", _int("size", False), False),
        "cycle": _list("a shortest cycle", channel, False),
    })  # fmt: skip
    return _object("static and run-time deadlock verdict", {
        "conclusion": _text("proven_free, possible or happened"), "routing_function": static,
        "mapped_flows": static, "drop_policy": _value("boolean", "routers drop late packets", False),
        "lines": _list("the verdict in words", _text("line"), False),
    })  # fmt: skip


def _latency() -> Schema:
    return _object("latency and throughput", {
        "period_ps": _int("picoseconds per cycle", False),
        "sample_cycles": _spread("latency of finished samples", "cycles"),
        "sample_s": _spread("latency of finished samples", "seconds"),
        "packet_cycles": _spread("journeys of packets", "cycles"),
        "run_cycles": _int("cycles in which finished samples ran, one after the other"),
        "throughput_samples_per_s": _num("finished samples / time, one sample after the other"),
        "finished_samples": _int("samples that finished"),
        "unfinished_samples": _int("samples that did not"),
    })  # fmt: skip


def _work() -> Schema:
    events = _object("all events", {k: _int(v, False) for k, v in EVENTS.items()}, nullable=True)
    return _object("what was done, over all samples", {
        "packets_sent": _int("packets sent by cores and host"), "packets_arrived": _int("arrived"),
        "packets_dropped": _int("dropped by routers"), "packets_in_flight": _int("left when it stopped"),
        "events": events, "synaptic_operations": _int("weights added, zero weights included"),
        "spikes": _int("spikes of neurons on cores"), "flit_hops": _int("flits from router to router"),
        "packet_hops": _num("flit hops / flits per packet"),
    })  # fmt: skip


def _health() -> Schema:
    return _object("what should be 0", {
        "missed_deadlines": _int("steps that a core did not finish in time"),
        "late_packets": _int("packets that came after their step"),
        "membrane_overflows": _int("membranes and currents that did not fit"),
        "accumulator_overflows": _int("accumulators that did not fit"),
        "repeated_input_spikes": _map(
            "by input of first-spike neurons that is not in their code: spikes beyond the first of their "
            "source and sample", _int("spikes", False)
        ),
    })  # fmt: skip


def _load() -> Schema:
    link = _object("an output port", {
        "name": _text("chip, router and port"), "router": _int("router, -1 for the host", False),
        "port": _int("port", False), "kind": _text("link, crossing or host"),
        "flits": _int("flits sent", False), "blocked_cycles": _int("cycles a flit waited for it"),
        "utilisation": _num("flits x cycles per flit / cycles, at most 1", False),
    })  # fmt: skip
    core = _object("a core", {
        "core": _int("global number", False), "chip": _int("chip", False), "x": _int("column", False),
        "y": _int("row", False), "populations": _list("populations held", _text("name"), False),
        "synaptic_operations": _int("operations", False),
        "pipeline_busy_cycles": _int("synapse pipeline busy", False),
        "loop_busy_cycles": _int("neuron loop busy", False),
        "loop_stall_cycles": _int("neuron loop waited for its transmit FIFO"),
        "utilisation": _num("busier of pipeline and loop / cycles, at most 1", False),
    })  # fmt: skip
    return _object("load", {
        "cycles": _int("cycles simulated: of finished samples, and of one that broke off up to its verdict"),
        "busiest_links": _list("the ten busiest links", link),
        "busiest_cores": _list("the ten busiest cores", core),
        "mean_core_utilisation": _num("mean over used cores"),
    })  # fmt: skip


def _steps() -> Schema:
    number = _num("cycles", False)
    return _object("per hardware step, over finished samples", {
        "active_cycles_mean": _list("start to end of the step, mean", number),
        "active_cycles_max": _list("start to end of the step, longest", number),
        "gap_cycles_mean": _list("end of the step to the next start, mean", number),
    })  # fmt: skip


def _sample() -> Schema:
    return _object("one sample", {
        "sample": _int("index", False), "label": _int("label"), "predicted": _int("strongest output"),
        "latency_cycles": _int("cycles"), "latency_s": _num("seconds"),
        "synaptic_operations": _int("operations"), "spikes": _int("spikes on cores"),
        "packets_decoded": _int("packets taken by cores"), "flit_hops": _int("flit hops"),
        "missed_deadlines": _int("missed deadlines", False), "dynamic_energy_j": _num("joules"),
        "static_energy_j": _num("joules"),
    })  # fmt: skip


def _energy() -> Schema:
    joules = _num("joules", False)
    event = _object("one kind of event", {
        "event": _text("event"), "count": _int("count", False), "price_j": _num("joules per event"),
        "energy_j": _num("count x price"), "evidence": _text("measured, published, derived or assumed"),
    })  # fmt: skip
    check = _object("a published all-in figure, compared only", {
        "name": _text("name"), "published": _num("published value", False), "unit": _text("unit"),
        "ours": _num("the same figure of this run"), "source": _text("source"),
    })  # fmt: skip
    unpriced = {"event": _text("event"), "count": _int("count", False)}
    return _object("energy over all samples", {
        "dynamic_j": _num("events x prices, joules"), "static_j": _num("static power x chips x time"),
        "total_j": _num("dynamic + static"),
        "is_lower_bound": _value("boolean", "events happened that have no price"),
        "per_sample_j": _num("dynamic energy of the finished samples / finished samples"),
        "per_synaptic_operation_j": _num("dynamic energy / synaptic operations"),
        "by_event": _list("by event", event), "by_core_j": _map("by core number", joules),
        "by_router_j": _map("by router number", joules), "elsewhere_j": _num("host link and barriers"),
        "by_evidence_j": _map("dynamic energy by how well its price is known", joules),
        "not_priced": _list("events without a price", _object("event", unpriced)),
        "checks": _list("published all-in figures", check),
    })  # fmt: skip


def _neurobench() -> Schema:
    operations = _object("per sample, over its steps", {
        "Dense": _num("all synapses x steps"), "Effective_ACs": _num("binary inputs, non-zero weights"),
        "Effective_MACs": _num("the same for calls with graded inputs"),
    })  # fmt: skip
    return _object("NeuroBench's names", {
        "Footprint": _int("bytes of parameters and state"), "ParameterCount": _int("parameters"),
        "ConnectionSparsity": _num("zero weights / weights"),
        "ActivationSparsity": _num("1 - active outputs / outputs"), "SynapticOperations": operations,
        "MembraneUpdates": _num("neurons whose membrane changed"),
        "NeuronOperations": _num("updates x operations per update"),
        "ModelExecutionRate_hz": _num("steps per second of data time"),
        "ClassificationAccuracy": _num("correct / labelled"),
    })  # fmt: skip


def metrics_schema() -> Schema:
    """The JSON Schema of ``metrics.json``."""
    accuracy = _object("accuracy over the finished samples", {
        "rate": _num("correct / labelled"), "correct": _int("labelled samples whose answer is right"),
        "labelled": _int("finished samples with a label"),
        "unfinished": _int("samples that did not finish and so have no answer"),
    })  # fmt: skip
    document = _object("All figures of one run of neurosim.", {
        "schema": {"const": "neurosim-metrics"}, "schema_version": {"const": SCHEMA_VERSION},
        "run": _run(), "verdict": _verdict(), "deadlock": _deadlock(), "latency": _latency(),
        "accuracy": accuracy, "work": _work(), "health": _health(), "load": _load(), "steps": _steps(),
        "samples": _list("every sample", _sample(), False), "energy": _energy(),
        "neurobench": _neurobench(),
        "not_measured": _map("why a figure is null, by its dotted path", _text("reason"), False),
    })  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"neurosim metrics, version {SCHEMA_VERSION}",
        **document,
    }
