"""`map` on a chip with multicast: the line about trees, --no-multicast, and `check` of what was written."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from neurosim import store
from neurosim.api import map_network
from neurosim.api.checking import check
from neurosim.artefacts.program import Program
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.cli import main, tables
from tests.mapper.nets import conv_net, dense_net

NET = dense_net(8, 80, 40, 4)


def printed(made) -> list[str]:
    """The rows of `map` about multicast."""
    stream = io.StringIO()
    console = Console(file=stream, width=200)
    for part in tables.mapping(made):
        console.print(part)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    first = next((k for k, line in enumerate(lines) if line.startswith("multicast")), None)
    if first is None:
        return []
    last = next(k for k, line in enumerate(lines) if line.startswith("time"))
    return [" ".join(line.split()) for line in lines[first:last]]


@pytest.fixture(scope="module")
def chip():
    return edit_chip(load_chip("tiny_multicast"), {"mesh.width": 5, "mesh.height": 5, "core.neurons": 40})


def test_the_line_about_trees(tmp_path, chip):
    made = map_network(NET, edit_chip(chip, {"core.neurons": 8}), tmp_path / "m", effort=0.05)
    found = made.figures["multicast"]
    saved = 1 - found["traversals"] / found["traversals_alone"]
    assert printed(made) == [
        f"multicast {found['n_trees']} trees of {found['entries']} entries, at most {found['entries_max']} of "
        f"64 in a router: {100 * saved:.1f} % of traversals saved; {found['on_trees']} of 132 neurons send to "
        "trees"
    ]
    assert saved > 0.2
    assert made.figures["metrics"]["trees"] == found["n_trees"]
    assert made.figures["metrics"]["traversals"] == pytest.approx(found["traversals"])
    entries = [len(c.targets.core) for c in store.load(made.folder / "program.npz", Program).cores]
    limit = chip.core.target_entries
    assert made.figures["metrics"]["target_entries_max"] == max(entries) / limit
    assert made.figures["metrics"]["target_entries_mean"] == pytest.approx(np.mean(entries) / limit)
    assert made.figures["fullest"]["target_entries"]["used"] == max(entries)
    assert check(made.folder).is_good


def test_what_stays_single_is_told(tmp_path, chip):
    few = edit_chip(chip, {"router.multicast_entries": 2, "packet.tree_bits": 5})
    made = map_network(conv_net(), few, tmp_path / "m", effort=0.05)
    first, *others = printed(made)
    assert first.startswith("multicast ")
    assert "at most 2 of 2 in a router" in first
    left_out = made.figures["multicast"]["left_out"]
    assert left_out["full routers"] > 1
    assert others == [
        f"{n} neurons send single packets that could share links: {why}" for why, n in left_out.items()
    ]


def test_no_tree_has_a_reason(tmp_path, chip):
    made = map_network(dense_net(8, 20, 4), chip, tmp_path / "m", effort=0.05)
    assert made.figures["multicast"]["n_trees"] == 0
    assert printed(made) == ["multicast 0 trees: no neuron's ways share a link"]


def test_none_asked_for_and_none_there(tmp_path, chip):
    made = map_network(dense_net(8, 80, 4), chip, tmp_path / "m", effort=0.05, multicast=False)
    assert made.figures["multicast"] is None
    assert printed(made) == []
    assert store.load(tmp_path / "m" / "program.npz", Program).trees is None
    assert made.figures["metrics"]["traversals"] == made.figures["metrics"]["hops"]
    plain = map_network(dense_net(8, 80, 4), "tiny_2x2", tmp_path / "p", effort=0.05)
    assert plain.figures["multicast"] is None
    assert "trees" not in plain.figures["metrics"]


def test_the_option_of_the_command(tmp_path, capsys):
    net = tmp_path / "net.npz"
    store.save(NET, net)
    found = {}
    for option in ("--multicast", "--no-multicast"):
        out = tmp_path / option[2:]
        command = ["map", str(net), "--chip", "tiny_multicast", "-o", str(out), "--json", "--effort", "0.05"]
        assert main([*command, option]) == 0
        found[option] = json.loads(capsys.readouterr().out)
    assert found["--no-multicast"]["multicast"] is None
    assert found["--multicast"]["multicast"]["limit"] == 64


def test_check_names_a_wrong_tree(tmp_path, chip):
    made = map_network(NET, edit_chip(chip, {"core.neurons": 8}), tmp_path / "m", effort=0.05)
    program = store.load(made.folder / "program.npz", Program)
    trees = program.trees
    at = int(np.flatnonzero(trees.ports == 1 << 4)[0])
    x, y = int(trees.router[at]) % 5, int(trees.router[at]) // 5
    ports = trees.ports.copy()
    ports[at] = 1 << 5
    store.save(dataclasses.replace(program, trees=dataclasses.replace(trees, ports=ports)), tmp_path / "bad.npz")
    (made.folder / "program.npz").write_bytes((tmp_path / "bad.npz").read_bytes())
    found = check(made.folder)
    assert not found.is_good
    tree, where = trees.tree[at], f"goes local1 at router ({x}, {y}), where nothing hangs"
    named = [text for text in found.problems if f"program.npz: tree {tree} from " in text]
    assert named
    assert all(text.endswith(where) for text in named)
