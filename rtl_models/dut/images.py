"""Memory images and transactions of an adapter: evaluated, and checked against the places they go to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from neurosim.chip.tree import Path
from rtl_models.dut.adapter import Configuration, Image, Spi
from rtl_models.dut.csv_file import CsvFile
from rtl_models.dut.elaborate import Memory
from rtl_models.dut.expressions import ExpressionError, evaluate, rows
from rtl_models.dut.layout import WordLayout
from rtl_models.dut.loading import Loaded

Tables = Mapping[str, Any]


def expression(loaded: Loaded, at: Path, text: str, values: Tables) -> int:
    """The value of an expression in the adapter.

    Raises:
        InputError: it has none; at its place.
    """
    try:
        return evaluate(text, values)
    except ExpressionError as error:
        raise loaded.error(at, f"'{at[-1]}': {error}", "expression", got=text) from error


def image_words(loaded: Loaded, at: Path, image: Image, memory: Memory, tables: Tables) -> list[int]:
    """The words of an image for ``memory``.

    Raises:
        InputError: there are more than the memory has, or one is too wide.
    """
    if image.file is not None:
        words = read_hex(loaded, (*at, "file"), image.file)
    else:
        assert image.word is not None
        try:
            words = [evaluate(image.word, values) for values in rows(image.loop, tables)]
        except ExpressionError as error:
            raise loaded.error((*at, "word"), f"'word': {error}", "expression", got=image.word) from error
    name = image.memory or image.name
    if len(words) > memory.words:
        raise loaded.error(
            at, f"the image is too large for memory '{name}'", "image-too-large",
            expected=f"at most {memory.words} words", got=f"{len(words)} words",
        )  # fmt: skip
    for index, word in enumerate(words):
        if not -(1 << memory.bits - 1) <= word < 1 << memory.bits:
            raise loaded.error(
                at, f"word {index} of the image does not fit into memory '{name}'", "image-too-wide",
                expected=f"{memory.bits} bits", got=str(word),
            )  # fmt: skip
    return [word & (1 << memory.bits) - 1 for word in words]


def read_hex(loaded: Loaded, at: Path, name: str) -> list[int]:
    """The words of a file as ``$readmemh`` reads it; gaps between addresses are 0.

    Raises:
        InputError: no such file, or it is not of this kind.
    """
    text = loaded.file(at, name).read_text(errors="replace")
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)
    words: dict[int, int] = {}
    address = 0
    for token in text.split():
        digits = token.removeprefix("@").replace("_", "")
        if not re.fullmatch(r"[0-9A-Fa-f]+", digits):
            raise loaded.error(at, f"'{name}' is no file of hexadecimal words", "bad-file", got=token[:40])
        if token.startswith("@"):
            address = int(digits, 16)
            continue
        words[address] = int(digits, 16)
        address += 1
    last = max(words, default=-1)
    if last >= 1 << 24:
        raise loaded.error(at, f"'{name}' goes up to address {last}", "bad-file", expected="below 2**24")
    return [words.get(index, 0) for index in range(last + 1)]


def transactions(loaded: Loaded, index: int, stage: Configuration, tables: Tables) -> list[dict[str, int]]:
    """The values of every transaction of a stage, by field.

    Raises:
        InputError: an expression has no value, or the file is not acceptable.
    """
    at: Path = ("configuration", index)
    if stage.file is not None:
        return _from_file(loaded, (*at, "file"), stage.file, _known(stage))
    found = []
    for number, group in enumerate(stage.writes):
        here = (*at, "writes", number)
        try:
            turns = list(rows(group.loop, tables))
        except ExpressionError as error:
            raise loaded.error((*here, "for"), f"'for': {error}", "expression") from error
        for values in turns:
            fields = group.fields.items()
            found.append({k: expression(loaded, (*here, "fields", k), v, values) for k, v in fields})
    return found


def _known(stage: Configuration) -> list[str]:
    if stage.spi is not None:
        return [field.name for field in stage.spi.frame]
    assert stage.bus is not None
    return list(stage.bus.signals)


def _from_file(loaded: Loaded, at: Path, name: str, known: Sequence[str]) -> list[dict[str, int]]:
    file = CsvFile(loaded, at, name, "bad-file")
    return [
        {column: file.whole(row.where, f"'{column}'", text) for column, text in row.cells.items()}
        for row in file.rows(known)
    ]


def frames(loaded: Loaded, index: int, spi: Spi, writes: list[dict[str, int]], tables: Tables) -> list[int]:
    """The frames of a serial stage.

    Raises:
        InputError: a value does not fit into its field.
    """
    layout = WordLayout(spi.frame)
    names = {name: value for name, value in tables.items() if isinstance(value, int)}
    try:
        return [layout.pack(values, names) for values in writes]
    except (ValueError, ExpressionError) as error:
        raise loaded.error(("configuration", index, "spi", "frame"), str(error), "frame") from error


def bus_values(
    loaded: Loaded, index: int, writes: list[dict[str, int]], widths: Mapping[str, int]
) -> list[dict[str, int]]:
    """The values of parallel writes, in the width of their ports; fields that are not named are 0.

    Raises:
        InputError: a value is too wide.
    """
    found = []
    for number, values in enumerate(writes):
        for name, value in values.items():
            if not -(1 << widths[name] - 1) <= value < 1 << widths[name]:
                raise loaded.error(
                    ("configuration", index, "bus", "signals", name),
                    f"write {number} does not fit into '{name}'", "too-wide",
                    expected=f"{widths[name]} bits", got=str(value),
                )  # fmt: skip
        found.append({name: values.get(name, 0) & (1 << width) - 1 for name, width in widths.items()})
    return found
