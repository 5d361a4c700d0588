"""Arbitration: which of the requesters in a bit mask wins.

A request mask has bit ``i`` set where requester ``i`` asks.  The pointer is the requester that has
the highest priority now; it starts at 0 and moves to the one after the winner, only when somebody
wins.
"""

from __future__ import annotations

ROUND_ROBIN = 0
FIXED_PRIORITY = 1
ONE_WINNER_PER_ROUTER = 2  # round-robin at each output, then round-robin over the outputs
ARBITER_NAMES = ("round_robin", "fixed_priority", "one_winner_per_router")


def lowest_bit(mask: int) -> int:
    """Index of the lowest set bit of ``mask`` (``mask`` is not 0)."""
    index = 0
    while (mask >> index) & 1 == 0:
        index += 1
    return index


def pick(policy: int, mask: int, pointer: int) -> int:
    """The winner of a non-empty ``mask``: the first requester at or after ``pointer``, cyclically.

    Under ``FIXED_PRIORITY`` the lowest index wins, whatever the pointer.
    """
    if policy != FIXED_PRIORITY:
        above = mask >> pointer
        if above:
            return pointer + lowest_bit(above)
    return lowest_bit(mask)


def advance(winner: int, n_requesters: int) -> int:
    """The pointer after ``winner`` won among ``n_requesters``."""
    return winner + 1 if winner + 1 < n_requesters else 0
