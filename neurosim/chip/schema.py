"""The JSON schema of the YAML chip description, and what it says about one key.

Reads the pydantic models; the loader's messages, editors (``chip_schema``) and the documentation's
test use it, so that no range or choice is written down a second time.
"""

from __future__ import annotations

from typing import Any

from neurosim.chip.models import Chip
from neurosim.chip.tree import Path

Schema = dict[str, Any]

_NO_PROVENANCE = ("Figure", "CheckFigure", "Energy", "Provenance")


def plain_schema() -> Schema:
    """JSON schema of the plain structure, without provenance."""
    return Chip.model_json_schema()


def chip_schema() -> Schema:
    """JSON schema (draft 2020-12) of a chip file as it is written.

    Every value outside ``energy`` may also be ``{value, evidence, source, conditions}``, every
    section may have a ``provenance``.
    """
    schema = plain_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "neurosim chip description"
    source = schema["$defs"]["Provenance"]["properties"]
    parts = [part for name, part in schema["$defs"].items() if name not in _NO_PROVENANCE]
    for part in [schema, *parts]:
        for key, value in part["properties"].items():
            if key not in ("schema_version", "provenance"):
                part["properties"][key] = _annotatable(value, source)
        part["properties"]["provenance"] = {"$ref": "#/$defs/Provenance"}
    return schema


def _annotatable(node: Schema, source: Schema) -> Schema:
    """``node``, or its value with a provenance beside it; sections stay as they are."""
    if "$ref" in node or "additionalProperties" in node:
        return node
    if any("$ref" in branch for branch in node.get("anyOf", [])) or "$ref" in node.get("items", {}):
        return node
    keep: Schema = {key: node[key] for key in ("default", "title", "description") if key in node}
    plain = {key: value for key, value in node.items() if key not in keep}
    noted = {
        "type": "object",
        "properties": {"value": plain, **source},
        "required": ["value", "evidence", "source"],
        "additionalProperties": False,
    }
    return {**keep, "anyOf": [plain, noted]}


def schema_at(path: Path, root: Schema | None = None) -> Schema:
    """The plain schema of what may stand at ``path``; empty where the schema knows no such key.

    ``root`` is the schema of the whole file: the chip description's unless given.
    """
    root = plain_schema() if root is None else root
    node: Schema = root
    for part in path:
        node = _step(resolve(root, node), part)
    return resolve(root, node)


def resolve(root: Schema, node: Schema) -> Schema:
    """``node`` with references and ``or null`` taken away."""
    while "$ref" in node or "anyOf" in node:
        if "$ref" in node:
            node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        else:
            node = next(branch for branch in node["anyOf"] if branch.get("type") != "null")
    return node


def _step(node: Schema, part: str | int) -> Schema:
    if isinstance(part, int):
        fixed = node.get("prefixItems", [])
        step = fixed[part] if part < len(fixed) else node.get("items", {})
    else:
        step = node.get("properties", {}).get(part)
        if step is None:
            step = node.get("additionalProperties", {})
    return step if isinstance(step, dict) else {}


def expected_text(node: Schema) -> str | None:
    """What a schema asks for, in words: ``a whole number from 1 to 4096``."""
    if "enum" in node:
        return "one of " + ", ".join(str(choice) for choice in node["enum"])
    if "const" in node:
        return str(node["const"])
    kind = node.get("type")
    if kind in ("integer", "number"):
        return _number_text("a whole number" if kind == "integer" else "a number", node)
    if kind == "string":
        return "text" if "pattern" not in node else "lower-case letters, digits and _"
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        return _list_text(node)
    if kind == "object":
        return "a section (keys with values)"
    return None


def _number_text(noun: str, node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None and high < 10**12:
        return f"{noun} from {low} to {high}"
    return noun if low is None else f"{noun}, at least {low}"


def _list_text(node: Schema) -> str:
    if "prefixItems" in node:
        return f"a list of exactly {len(node['prefixItems'])} values"
    return "a list of at least one value" if node.get("minItems") else "a list"
