"""docs/traces.md lists every table, column and kind, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurosim.engines.trace import TABLES

PAGE = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", TABLES)
def test_columns(table: str) -> None:
    section = re.search(rf"^### {table}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, f"docs/traces.md has no section '{table}'"
    named: list[tuple[str, str]] = []
    for cells in re.findall(r"^\| (`.*?) \| (int32|int64|text) \|", section[1], re.MULTILINE):
        named += [(name, cells[1]) for name in re.findall(r"`(\w+)`", cells[0])]
    columns = {c.name: "text" if c.names else f"int{c.bits}" for c in TABLES[table]}
    assert dict(named) == columns
    for column in TABLES[table]:
        assert [name for name in column.names if f"`{name}`" not in section[1]] == []


def test_no_other_table() -> None:
    assert set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == set(TABLES)
