"""events.parquet, manifest.json and the folder of a report."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import neurosim
from neurosim.analysis.metrics import metrics_json
from neurosim.engines.trace import NULL
from neurosim.errors import InputError
from neurosim.report.data import report_data
from neurosim.report.files import write_report
from neurosim.report.manifest import manifest, manifest_json
from neurosim.report.parquet import COLUMNS, write_events
from neurosim.report.trace_files import read_blocks
from tests.helpers.hand_result import hand_result
from tests.helpers.small_run import small_run
from tests.helpers.trace_sink import traced


def test_rows_of_packets_and_spikes(tmp_path: Path) -> None:
    one, two = np.array([0, 0, 1]), np.array([11, NULL, 12])
    block = {
        "sample": one, "step": np.array([0, 1, 0]), "source": one * 0, "number": one, "target": one * 0 + 1,
        "axon": one * 0, "inject_cycle": np.array([3, 37, NULL]), "end_cycle": two,
        "outcome": np.array([0, 1, 1]),
    }  # fmt: skip
    write_events([block], hand_result(), tmp_path / "events.parquet")
    table = pq.read_table(tmp_path / "events.parquet")
    assert table.column_names == [name for name, _ in COLUMNS]
    rows = table.to_pylist()
    assert len(rows) == 6
    assert rows[1] == {
        "kind": "packet", "sample": 0, "step": 1, "source": 0, "target": 1, "axon": 0, "inject_cycle": 37,
        "arrive_cycle": None, "population": None, "neuron": None, "count": None,
    }  # fmt: skip
    assert (rows[2]["inject_cycle"], rows[2]["arrive_cycle"]) == (None, None)  # dropped in cycle 12
    assert rows[5] == {
        "kind": "spike", "sample": 1, "step": 0, "source": None, "target": None, "axon": None,
        "inject_cycle": None, "arrive_cycle": None, "population": "a", "neuron": 0, "count": 1,
    }  # fmt: skip


def test_the_file_holds_the_run_and_is_reproducible(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run = traced(tmp_path / name)
        write_events(read_blocks(run.files["packets"]), run.result, tmp_path / name / "events.parquet")
        made.append((tmp_path / name / "events.parquet").read_bytes())
    assert made[0] == made[1]
    table = pq.read_table(io.BytesIO(made[0]))
    kinds = table.column("kind").to_pylist()
    assert kinds.count("packet") == run.result.counters.packets_sent
    assert kinds.count("spike") == sum(len(s.sample) for s in run.result.spikes)
    arrived = np.array([v for v in table.column("arrive_cycle").to_pylist() if v is not None])
    assert len(arrived) == run.result.counters.packets_arrived


def test_manifest_depends_on_inputs_only() -> None:
    result = small_run("tiny").result
    content = manifest(result, ["neurosim", "run", "x"])
    assert content == manifest(result, ["neurosim", "run", "x"])
    assert content["neurosim"] == neurosim.__version__
    assert content["digests"]["program"] == result.program_digest
    assert content["seed"] == result.seed
    assert content["packages"]["numpy"] == np.__version__
    assert "timestamp" not in content
    assert manifest(result, timestamp="2026-01-01T00:00:00Z")["timestamp"] == "2026-01-01T00:00:00Z"
    assert manifest(result, extra={"profile": "x"})["profile"] == "x"
    with pytest.raises(ValueError, match="already has an entry 'seed'"):
        manifest(result, extra={"seed": 1})
    assert json.loads(manifest_json(content)) == content


def test_the_folder_of_a_report(tmp_path: Path) -> None:
    run = small_run("tiny")
    data = report_data(
        run.result, run.case.program, run.chip, run.case.network, manifest=manifest(run.result)
    )
    paths = write_report(data, tmp_path)
    assert [p.name for p in paths] == ["metrics.json", "manifest.json", "report.html"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in paths)
    assert (tmp_path / "metrics.json").read_bytes() == metrics_json(data.metrics)
    assert json.loads((tmp_path / "manifest.json").read_bytes())["schema"] == "neurosim-manifest"
    assert [p.name for p in write_report(data, tmp_path, html=False)] == ["metrics.json", "manifest.json"]
    with pytest.raises(InputError, match="output-unwritable"):
        write_report(data, tmp_path / "missing")
