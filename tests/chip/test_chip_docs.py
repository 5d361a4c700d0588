"""docs/chips.md names every key, no key that does not exist, and every event as the rules do."""

import re
from pathlib import Path

import pytest

from neurosim.chip.catalogue import preset_names
from neurosim.chip.models import Chip
from neurosim.chip.schema import plain_schema, resolve
from neurosim.rules.events import EVENTS

DOC = (Path(__file__).parents[2] / "docs" / "chips.md").read_text(encoding="utf-8")
SCHEMA = plain_schema()


def section(heading: str) -> str:
    found = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^##)", DOC + "\n##", re.M | re.S)
    assert found, f"docs/chips.md has no section '{heading}'"
    return found.group(1)


def first_column(text: str) -> set[str]:
    rows = re.findall(r"^\| (`.*?) \|", text, re.M)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def properties(name: str) -> dict:
    node = resolve(SCHEMA, SCHEMA["properties"][name])
    if node.get("type") == "array":
        node = resolve(SCHEMA, node["items"])
    return node.get("properties", {})


SECTIONS = sorted(name for name in Chip.model_fields if properties(name))


def test_top_level_keys():
    assert first_column(section("Top level")) == set(Chip.model_fields)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_of_a_section_and_no_other(name):
    documented = first_column(section(f"`{name}`"))
    if name == "energy":
        assert documented == {*properties(name), *EVENTS}
    else:
        assert documented == set(properties(name))


@pytest.mark.parametrize("name", SECTIONS)
def test_keys_inside_keys_are_named_in_their_section(name):
    text = section(f"`{name}`")
    for key, node in properties(name).items():
        inner = resolve(SCHEMA, node)
        inner = resolve(SCHEMA, inner["items"]) if "items" in inner else inner
        for part in inner.get("properties", {}):
            assert f"`{part}`" in text, f"{name}.{key}.{part}"


def test_choices_are_named():
    for name in SECTIONS:
        for key, node in properties(name).items():
            for choice in resolve(SCHEMA, node).get("enum", []):
                assert str(choice) in section(f"`{name}`"), f"{name}.{key}: {choice}"


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_events_are_described_as_in_the_rules(event):
    assert f"| `{event}` | {EVENTS[event]} |" in DOC


def test_presets_are_listed():
    assert set(re.findall(r"^\| `(\w+)` \|", DOC.split("## Presets")[1].split("## Every")[0], re.M)) == set(
        preset_names()
    )
