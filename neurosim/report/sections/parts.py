"""What sections are made of: verdicts in a few words, big figures, and tables, as plain text.

``tone`` is good, warn, bad or plain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Badge(NamedTuple):
    """A verdict in a few words."""

    tone: str
    text: str


class Headline(NamedTuple):
    """One big figure with a line below it."""

    name: str
    value: str
    more: str
    tone: str = "plain"


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; ``numeric`` are the columns that align right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
