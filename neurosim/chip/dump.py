"""Writes a chip as canonical YAML text, with provenance, and digests its content.

Reads a :class:`~neurosim.chip.models.Chip`.  The text is a function of the chip alone and loads back
to an equal chip: keys stand in the order of the models, a section names the provenance that most of
its numbers share, and a number that differs carries its own.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from neurosim.chip.models import Chip, Provenance
from neurosim.chip.provenance import is_number, leaves, numeric_leaves
from neurosim.chip.tree import Path, dotted
from neurosim.errors import InputError
from neurosim.rules.events import EVENT_NAMES

_INDENT = "  "


def chip_digest(chip: Chip) -> str:
    """SHA-256 of everything in the chip, names and sources included, as hex."""
    content = json.dumps(_plain(chip, "json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def dump_chip(chip: Chip) -> str:
    """Canonical YAML of ``chip``; :func:`~neurosim.chip.loader.load_chip_text` gives it back.

    Raises:
        InputError: a number has no provenance (a chip made in Python: use ``edit_chip``).
    """
    for path, _ in numeric_leaves(chip):
        if dotted(path) not in chip.provenance:
            raise InputError(
                f"'{dotted(path)}' of chip '{chip.name}' has no provenance",
                code="chip-no-provenance",
                hint="change chips with neurosim.chip.loader.edit_chip",
            )
    plain = _plain(chip, "python")
    del plain["provenance"]
    plain["energy"]["events"] = {name: plain["energy"]["events"][name] for name in EVENT_NAMES}
    by_model = plain["core"]["update_cycles_by_model"]
    plain["core"]["update_cycles_by_model"] = {name: by_model[name] for name in sorted(by_model)}
    return "".join(f"{line}\n" for line in _section(plain, (), None, chip.provenance))


def _plain(chip: Chip, mode: Literal["json", "python"]) -> dict[str, Any]:
    """The chip as plain values; a chip without defects, tables or trees does not mention them."""
    plain = chip.model_dump(mode=mode)
    if plain["defects"] is None:
        del plain["defects"]
    optional = (("router", "table_entries"), ("router", "multicast_entries"), ("packet", "tree_bits"))
    for section, key in optional:
        if plain[section][key] is None:
            del plain[section][key]
    return plain


def _section(
    plain: dict[str, Any], path: Path, above: Provenance | None, known: dict[str, Provenance]
) -> Iterator[str]:
    """Lines of a section, without indentation of its own."""
    here = _shared(plain, path, known) or above
    if here != above:
        yield f"provenance: {_flow(_note(here))}"
    for key, value in plain.items():
        inner = (*path, key)
        if isinstance(value, dict) and value and inner != ("energy", "static_power_per_chip") and (
            inner[:2] != ("energy", "events") or len(inner) == 2
        ):
            yield f"{key}:"
            yield from (_INDENT + line for line in _section(value, inner, here, known))
        elif isinstance(value, (tuple, list)) and any(isinstance(item, dict) for item in value):
            yield f"{key}:"
            for index, item in enumerate(value):
                yield from _item(item, (*inner, index), here, known)
        else:
            yield f"{key}: {_flow(_noted(value, inner, here, known))}"


def _item(
    item: dict[str, Any], path: Path, above: Provenance | None, known: dict[str, Provenance]
) -> Iterator[str]:
    """Lines of a list item that is a section."""
    for number, line in enumerate(_section(item, path, above, known)):
        yield f"{_INDENT}{'- ' if number == 0 else '  '}{line}"


def _shared(plain: dict[str, Any], path: Path, known: dict[str, Provenance]) -> Provenance | None:
    """The provenance that most numbers of a section share, if at least two do."""
    if path[:1] == ("energy",):
        return None
    counts = Counter(
        known[dotted(inner)].model_dump_json()
        for inner, value in leaves(plain, path)
        if is_number(value) and dotted(inner) in known
    )
    if not counts:
        return None
    best, times = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Provenance.model_validate_json(best) if times > 1 else None


def _noted(
    value: Any, path: Path, above: Provenance | None, known: dict[str, Provenance]
) -> Any:
    """``value`` for a flow line, with provenance wherever it is not the inherited one."""
    if path[:1] == ("energy",):
        return value
    if isinstance(value, (tuple, list)):
        return [_noted(item, (*path, index), above, known) for index, item in enumerate(value)]
    own = known.get(dotted(path))
    if own is None or (own == above and is_number(value)):
        return value
    return {"value": value, **_note(own)}


def _note(provenance: Provenance | None) -> dict[str, str]:
    assert provenance is not None
    note = provenance.model_dump()
    return note if note["conditions"] else {key: note[key] for key in ("evidence", "source")}


def _flow(value: Any) -> str:
    """A value in YAML's flow style, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    return _number(value)


def _number(value: int | float) -> str:
    """A number that YAML reads back as the same type: ``1e-07`` needs its point."""
    text = repr(value)
    if isinstance(value, float) and "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return text


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar; everything outside printable ASCII is escaped."""
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    code = ord(letter)
    if 0x20 <= code < 0x7F:
        return letter
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
