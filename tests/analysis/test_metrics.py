"""``metrics.json``: layout, missing figures, and figures of real and hand-made runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from neurosim.analysis.metrics import metrics, metrics_json
from neurosim.analysis.metrics_schema import metrics_schema
from neurosim.artefacts.result import Verdict
from tests.helpers.hand_result import hand_result, unmeasured_result
from tests.helpers.small_chips import LINK, price, small_chip
from tests.helpers.small_program import Case, small_case
from tests.helpers.small_run import small_run

TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
    "integer": int, "number": (int, float),
}  # fmt: skip


def violations(value: Any, schema: dict[str, Any], path: str = "$") -> Iterator[str]:
    """The part of JSON Schema that our schema uses."""
    if "const" in schema:
        if value != schema["const"]:
            yield f"{path}: {value!r} is not {schema['const']!r}"
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    fits = [k for k in kinds if isinstance(value, TYPES[k])]
    if isinstance(value, bool):
        fits = [k for k in fits if k == "boolean"]
    if not fits:
        yield f"{path}: {value!r} is not {kinds}"
        return
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{path}.{k}: missing" for k in schema.get("required", []) if k not in value)
        for key, item in value.items():
            rest = schema.get("additionalProperties", True)
            if key in known:
                yield from violations(item, known[key], f"{path}.{key}")
            elif rest is False:
                yield f"{path}.{key}: not in the schema"
            elif isinstance(rest, dict):
                yield from violations(item, rest, f"{path}.{key}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from violations(item, schema["items"], f"{path}.{index}")


def nulls(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield path
    items = value.items() if isinstance(value, dict) else []
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from nulls(item, f"{path}.{key}" if path else str(key))


def check_document(document: dict[str, Any]) -> None:
    plain = json.loads(metrics_json(document))
    assert list(violations(plain, metrics_schema())) == []
    assert plain == document
    explained = set(document["not_measured"])
    for path in nulls(document):
        parts = path.split(".")
        general = ".".join(["samples", "*", *parts[2:]])
        assert path in explained or (parts[0] == "samples" and general in explained), path
    assert all(document["not_measured"].values())


def two_core_case() -> Case:
    """A case on a 2x1 mesh, for the hand-made result."""
    chip = small_chip(mesh={"width": 2, "height": 1})
    return small_case(chip, "", hidden_cores=(0,), out_core=1)


HAND_CHIP = small_chip(mesh={"width": 2, "height": 1}, host=None)


def hand_document(**changes: Any) -> dict[str, Any]:
    case = two_core_case()
    host = dataclasses.replace(case.program.host, core=case.program.host.core * 0)
    image = dataclasses.replace(
        case.program.cores[1],
        targets=dataclasses.replace(
            case.program.cores[1].targets, core=np.zeros_like(case.program.cores[1].targets.core)
        ),
    )
    chip = small_chip(
        mesh={"width": 2, "height": 1},
        host={"x": 0, "y": 0, "side": "west", "latency_cycles": 1, "cycles_per_flit": 1, "credit_cycles": 1},
    )
    program = dataclasses.replace(case.program, host=host, cores=(case.program.cores[0], image))
    return metrics(hand_result(**changes), program, chip, case.network)


def test_hand_worked_figures() -> None:
    document = hand_document()
    check_document(document)
    assert document["latency"]["sample_cycles"] == {"mean": 50.0, "min": 40, "p50": 40, "p99": 60, "max": 60}
    assert document["latency"]["throughput_samples_per_s"] == 2 / 100e-9
    assert document["accuracy"] == {"rate": 1.0, "correct": 1, "labelled": 1, "unfinished": 0}
    work = document["work"]
    assert (work["packets_sent"], work["synaptic_operations"], work["spikes"]) == (3, 12, 3)
    assert (work["flit_hops"], work["packet_hops"]) == (3, 3.0)
    assert document["load"]["busiest_links"][0]["utilisation"] == 0.03
    assert [c["core"] for c in document["load"]["busiest_cores"]] == [0, 1]
    assert document["load"]["mean_core_utilisation"] == pytest.approx(0.35)
    assert document["steps"]["active_cycles_mean"] == [19.0, 20.0]
    first, second = document["samples"]
    assert first["latency_cycles"] == 60
    assert first["latency_s"] == 6e-8
    assert (first["synaptic_operations"], second["synaptic_operations"]) == (8, 4)
    assert (first["flit_hops"], first["packets_decoded"], first["spikes"]) == (2, 2, 2)
    assert second["label"] is None
    assert document["not_measured"]["samples.1.label"] == "the sample has no label"
    energy = document["energy"]
    # 14 + 25 events on cores, 6 on routers, 4 barriers, 1 pJ each; 1 mW for 100 ns
    assert energy["dynamic_j"] == 49e-12
    assert energy["static_j"] == 1e-10
    assert energy["per_synaptic_operation_j"] == 49e-12 / 12
    assert not energy["is_lower_bound"]


def test_an_unfinished_run() -> None:
    document = hand_document(
        labels=np.array([1, 0]), latency_cycles=np.array([60, -1]), step_end=np.array([[25, 60], [-1, -1]]),
        step_start=np.array([[1, 35], [1, -1]]), verdict=Verdict("deadlock", "stuck", 1, 77, ("a", "b")),
        missed=np.array([[1, 0, 0], [1, 1, 1]]),
    )  # fmt: skip
    check_document(document)
    assert document["latency"]["unfinished_samples"] == 1
    assert document["latency"]["sample_cycles"] == dict.fromkeys(("mean", "min", "p50", "p99", "max"), 60)
    assert document["latency"]["throughput_samples_per_s"] == 1 / 60e-9
    assert document["accuracy"] == {"rate": 1.0, "correct": 1, "labelled": 1, "unfinished": 1}
    assert document["neurobench"]["ClassificationAccuracy"] == 1.0
    assert document["energy"]["per_sample_j"] == document["samples"][0]["dynamic_energy_j"]
    for figure in ("predicted", "static_energy_j"):
        assert document["samples"][1][figure] is None
        assert document["not_measured"][f"samples.1.{figure}"] == "the sample did not finish"
    assert document["samples"][1]["latency_cycles"] is None
    assert document["not_measured"]["samples.1.latency_cycles"] == "the sample did not finish"
    assert [s["missed_deadlines"] for s in document["samples"]] == [0, 2]
    assert document["health"]["missed_deadlines"] == 2
    assert document["deadlock"]["conclusion"] == "happened"
    assert document["verdict"]["blocked"] == ["a", "b"]


def test_why_there_is_no_accuracy() -> None:
    def accuracy_of(**changes: Any) -> tuple[Any, set[str]]:
        document = hand_document(**changes)
        check_document(document)
        paths = [*(f"accuracy.{k}" for k in ("rate", "correct", "labelled")), "neurobench.ClassificationAccuracy"]
        return document["accuracy"]["unfinished"], {document["not_measured"][path] for path in paths}

    assert accuracy_of(labels=np.array([-1, -1])) == (0, {"the samples have no labels"})
    assert accuracy_of(latency_cycles=np.array([-1, -1])) == (2, {"no sample finished"})
    first = accuracy_of(latency_cycles=np.array([-1, 40]))  # the second has no label
    assert first == (1, {"no sample with a label finished"})


def test_an_engine_that_counts_nothing_has_no_zeros() -> None:
    case = two_core_case()
    chip = small_chip(mesh={"width": 2, "height": 1}, host={
        "x": 0, "y": 0, "side": "west", "latency_cycles": 1, "cycles_per_flit": 1, "credit_cycles": 1})  # fmt: skip
    document = metrics(unmeasured_result(), case.program, chip, case.network)
    check_document(document)
    for part in ("work", "health", "load", "steps"):
        assert {v for k, v in document[part].items() if k != "spikes"} == {None}, part
    assert document["work"]["spikes"] == 3  # every engine lists its spikes
    assert [s["spikes"] for s in document["samples"]] == [2, 1]
    assert all(v is None for v in document["energy"].values())
    assert document["latency"]["sample_cycles"] is None
    assert document["not_measured"]["work.synaptic_operations"] == "the engine does not count events"
    assert document["not_measured"]["latency.sample_cycles"] == "the engine does not count cycles"
    assert document["not_measured"]["samples.*.latency_cycles"] == "the engine does not count cycles"
    assert document["not_measured"]["samples.*.flit_hops"] == "the engine does not count events"
    assert not any(path.startswith("samples.0.latency") for path in document["not_measured"])


@pytest.mark.parametrize("preset", ["tiny", "tiny_2x2_gateway"])
def test_a_real_run(preset: str) -> None:
    run = small_run(preset)
    document = metrics(
        run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes
    )
    check_document(document)
    assert metrics_json(document) == metrics_json(
        metrics(run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes)
    )
    assert document["work"]["packets_sent"] == len(run.result.packets.sample)  # type: ignore[union-attr]
    assert sum(s["synaptic_operations"] for s in document["samples"]) == (
        document["work"]["synaptic_operations"]
    )
    total = sum(s["dynamic_energy_j"] for s in document["samples"])
    assert total == pytest.approx(document["energy"]["dynamic_j"], rel=1e-12)
    assert document["energy"]["elsewhere_j"] is None  # neither host nor barrier is priced
    operations = document["neurobench"]["SynapticOperations"]
    zeros = document["neurobench"]["ConnectionSparsity"]
    assert operations["Effective_MACs"] == 0.0
    per_sample = document["work"]["synaptic_operations"] / 6
    assert operations["Effective_ACs"] == pytest.approx(per_sample * (1 - zeros), rel=0.05)


def test_more_flits_per_packet_are_fewer_packet_hops() -> None:
    run = small_run("tiny")
    two = run.chip.model_copy(update={"packet": run.chip.packet.model_copy(update={"flits": 2})})
    document = metrics(run.result, run.case.program, two, run.case.network)
    assert document["work"]["packet_hops"] == document["work"]["flit_hops"] / 2


def test_schema_says_what_every_figure_is() -> None:
    def undescribed(schema: dict[str, Any], path: str) -> Iterator[str]:
        if "const" not in schema and not schema.get("description"):
            yield path
        for key, part in schema.get("properties", {}).items():
            yield from undescribed(part, f"{path}.{key}")
        if "items" in schema:
            yield from undescribed(schema["items"], f"{path}[]")

    schema = metrics_schema()
    assert list(undescribed(schema, "$")) == []
    assert schema["title"] == "neurosim metrics, version 1"
    json.dumps(schema)


def test_the_checker_of_this_test_finds_mistakes() -> None:
    document = hand_document()
    document["latency"]["period_ps"] = "fast"
    document["work"]["new"] = 1
    del document["run"]["seed"]
    document["verdict"]["sample"] = True
    assert sorted(violations(document, metrics_schema())) == [
        "$.latency.period_ps: 'fast' is not ['integer']",
        "$.run.seed: missing",
        "$.verdict.sample: True is not ['integer']",
        "$.work.new: not in the schema",
    ]


def test_unpriced_static_power_has_a_reason() -> None:
    case = two_core_case()
    events = {name: price(1.0) for name in HAND_CHIP.energy.events}
    chip = small_chip(
        mesh={"width": 2, "height": 1}, system={"chips_x": 1}, link=LINK,
        energy={"events": events, "static_power_per_chip": price(None, "W")},
        host={"x": 0, "y": 0, "side": "west", "latency_cycles": 1, "cycles_per_flit": 1, "credit_cycles": 1},
    )  # fmt: skip
    document = metrics(hand_result(), case.program, chip, case.network)
    check_document(document)
    assert document["energy"]["total_j"] is None
    assert document["not_measured"]["energy.total_j"] == "static power is not priced"
    assert document["not_measured"]["samples.*.static_energy_j"] == "static power is not priced"
