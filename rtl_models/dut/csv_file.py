"""CSV files that an adapter names: read with the line of every row, and whole numbers out of their cells.

Reads a file beside the adapter; every mistake is told at the adapter's part that names the file, with the
file's line.  Empty lines are passed over, as spreadsheets leave them, and lines that begin with ``#``.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from neurosim.chip.tree import Path, show
from neurosim.errors import InputError, did_you_mean
from rtl_models.dut.loading import Loaded

A_NUMBER = "a whole number, such as 12, -3 or 0x1f"


@dataclass(frozen=True)
class Row:
    """One line: its cells by column, and how messages say its place (``events.csv:3``)."""

    where: str
    cells: dict[str, str]


class CsvFile:
    """A CSV file that the adapter's part ``at`` names; its mistakes have the code ``adapter-<code>``."""

    def __init__(self, loaded: Loaded, at: Path, name: str, code: str) -> None:
        self.loaded, self.at, self.name, self.code = loaded, at, name, code
        self.path = loaded.file(at, name)

    def error(
        self, what: str, expected: str | None = None, got: str | None = None, hint: str | None = None
    ) -> InputError:
        """The error to raise for a mistake in the file."""
        return self.loaded.error(self.at, what, self.code, expected=expected, got=got, hint=hint)

    def lines(self) -> list[tuple[str, list[str]]]:
        """Place and cells of every line that holds something.

        Raises:
            InputError: the file is no text, or its quotes do not close.
        """
        try:
            with open(self.path, newline="", encoding="utf-8-sig") as file:
                reader = csv.reader(file, strict=True)
                places = ((f"{self.name}:{reader.line_num}", row) for row in reader)
                return [(at, row) for at, row in places if any(row) and not row[0].startswith("#")]
        except UnicodeDecodeError as error:
            raise self.error(f"'{self.name}' is not UTF-8 text", hint="save the file as UTF-8") from error
        except csv.Error as error:
            raise self.error(f"'{self.name}' is not CSV", hint="do its quotes close?") from error

    def rows(self, known: Sequence[str], needed: Sequence[str] = ()) -> list[Row]:
        """The lines below the header, whose columns are among ``known``.

        Raises:
            InputError: a column is missing, not known or named twice; a line has more or fewer cells.
        """
        lines = self.lines()
        header = [name.strip() for name in lines[0][1]] if lines else []
        for name in needed:
            if name not in header:
                got = ", ".join(header) or "nothing"
                raise self.error(f"'{self.name}' has no column '{name}'", got=got)
        for number, name in enumerate(header):
            if name not in known:
                near = did_you_mean(name, known)
                expected = "columns among " + ", ".join(known)
                raise self.error(f"'{self.name}' has an unknown column {show(name)}", expected, hint=near)
            if name in header[:number]:
                raise self.error(f"'{self.name}' names the column '{name}' twice")
        for where, cells in lines[1:]:
            if len(cells) != len(header):
                what = f"{where}: the line has not one cell for each column"
                raise self.error(what, f"{len(header)}: {', '.join(header)}", str(len(cells)))
        return [Row(where, dict(zip(header, cells, strict=True))) for where, cells in lines[1:]]

    def whole(self, where: str, name: str, text: str, low: int | None = None, high: int | None = None) -> int:
        """The whole number in a cell; ``name`` is what the message calls it.

        Raises:
            InputError: the cell holds none, or one out of range.
        """
        try:
            value = int(text, 0)
        except ValueError:
            got = show(text) if text.strip() else "an empty cell"
            raise self.error(f"{where}: {name} is not a whole number", A_NUMBER, got) from None
        if (low is not None and value < low) or (high is not None and value > high):
            expected = f"at least {low}" if high is None else f"{low} to {high}"
            raise self.error(f"{where}: {name} is out of range", expected, str(value))
        return value
