"""``bench --mapper``: costs of public nets beside published ones, and mistakes named."""

from __future__ import annotations

import json

from neurosim.cli import main


def test_placement_cases_are_measured_against_what_was_published(capsys):
    assert main(["bench", "--mapper", "placement", "--case", "qaplib nug12", "--effort", "0.1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (row,) = document["rows"]
    assert (document["stage"], document["seed"], document["effort"]) == ("placement", 0, 0.1)
    assert (row["case"], row["size"], row["published"], row["runs"]) == ("qaplib nug12", 12, 578.0, 10)
    assert row["bound"] <= row["published"] <= row["cost"] <= row["mean"] <= row["start"]
    assert row["ratio"] == row["cost"] / 578.0
    assert row["source"] == "proven optimum (QAPLIB)"
    assert (row["floor"], row["floor_mean"], row["floor_s"]) == (578.0, 578.0 * 1.005, 5.0)
    assert row["keeps_floor"] == (row["cost"] <= 578.0 and row["mean"] <= 578.0 * 1.005)


def test_a_table_names_seeds_and_sources(capsys):
    assert main(["bench", "--mapper", "placement", "--case", "qaplib nug14", "--effort", "0.01"]) == 0
    shown = capsys.readouterr().out
    heads = [line.split() for line in shown.splitlines() if line.startswith("net")]
    assert heads == [
        ["net", "size", "published", "best", "ratio", "mean", "ratio", "floor", "bound"],
        ["net", "CPU", "s", "wall", "s", "floor", "s", "kept", "method"],
    ]
    assert shown.count("qaplib nug14") == 2
    assert "seed 0, effort 0.01, seconds of one run. Published: qaplib: proven optimum (QAPLIB)" in " ".join(shown.split())


def test_unknown_stages_and_cases_are_named(capsys):
    assert main(["bench", "--mapper", "placment"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: the mapper has no stage 'placment' to measure [bench-suite]"
    assert lines[1].startswith("  expected: one of ")
    assert lines[2] == "  hint: did you mean 'placement'?"
    assert main(["bench", "--mapper", "placement", "--case", "wafr"]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: no case of the placement benchmark begins with 'wafr' [bench-case]\n")
    assert shown.endswith("  hint: did you mean 'wafer'?\n")
    assert main(["bench", "--effort", "0.1"]) == 2
    assert capsys.readouterr().err == (
        "error: an effort was given, but no stage of the mapper [usage]\n  hint: say which: --mapper placement\n"
    )
    assert main(["bench", "--mapper", "placement", "--large"]) == 2
    assert capsys.readouterr().err == (
        "error: --large is of the engines' benchmark, not of the mapper's [usage]\n"
        "  hint: leave out --mapper, or --large\n"
    )
    assert main(["bench", "--case", "wafer"]) == 2
    assert capsys.readouterr().err == (
        "error: a case was named, but no stage of the mapper [usage]\n  hint: say which: --mapper placement\n"
    )
