"""Two clocks: when one of them sees what the other wrote, for a link between chips with clocks of their own.

Time is integer picoseconds.  Edge ``n`` of a clock starts its cycle ``n``; what a component decides in cycle
``n`` its registers hold from edge ``n + 1`` on.  Between two clocks only Gray-coded pointers cross, through
synchronisers of some registers (stages), so flits and credits have one rule: written at an edge of the one
clock, seen in a cycle of the other.

**Equal edges**: a register catches what stood at its input *before* the edge.  What is written at the very
time of the other clock's edge is caught by its next one.  In hardware either may happen when edges come
close; then only order and number are certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MIN_STAGES = 2  # one register catches a changing input, and needs the cycle to the next one to settle


class Clock(NamedTuple):
    """A clock domain: edge ``n`` is at ``phase_ps + n * period_ps``."""

    period_ps: int
    phase_ps: int


def edge_time_ps(clock: Clock, edge: int) -> int:
    """Time of ``edge``, with which the cycle of that number begins."""
    return clock.phase_ps + edge * clock.period_ps


def cycle_at(clock: Clock, time_ps: int) -> int:
    """The cycle that runs at ``time_ps``, negative before edge 0; an edge belongs to the cycle it begins."""
    return (time_ps - clock.phase_ps) // clock.period_ps


def first_edge_after(clock: Clock, time_ps: int) -> int:
    """The first edge that catches what changes at ``time_ps``: later, not at the same time; at least 0."""
    edge = cycle_at(clock, time_ps) + 1
    return edge if edge > 0 else 0


def stages(synchroniser_cycles: int) -> int:
    """Registers of a synchroniser for ``link.synchroniser_cycles`` of the chip description."""
    return synchroniser_cycles if synchroniser_cycles > MIN_STAGES else MIN_STAGES


def seen_in_cycle(source: Clock, edge: int, target: Clock, n_stages: int) -> int:
    """First cycle of ``target`` that sees, behind ``n_stages`` registers, what ``source`` wrote at ``edge``.

    ``first_edge_after(target, time of edge) + n_stages - 1``.
    """
    return first_edge_after(target, edge_time_ps(source, edge)) + n_stages - 1


def write_edge(winner_cycle: int, hop_cycles: int, latency_cycles: int) -> int:
    """Edge of the sender's clock at which the router's winner of ``winner_cycle`` is in the FIFO as a whole.

    ``winner_cycle + max(2, hop + latency)``: at the least the router's output register and the FIFO itself.
    """
    delay = hop_cycles + latency_cycles
    return winner_cycle + (delay if delay > 2 else 2)


def arrival_cycle(seen_cycle: int, last_arrival: int) -> int:
    """Cycle of the receiver in which a flit arrives that its clock sees from ``seen_cycle`` on.

    The FIFO gives one flit a cycle, in order; ``last_arrival`` is that of the flit before (-1: none).
    """
    return seen_cycle if seen_cycle > last_arrival else last_arrival + 1


def credit_write_edge(freed_cycle: int, credit_cycles: int) -> int:
    """Edge of the receiver's clock at which the count of credits holds a slot freed in ``freed_cycle``.

    ``freed_cycle + credit_cycles + 1``: the credit's way to the count, and the count's own register.
    """
    return freed_cycle + credit_cycles + 1


def credit_arrival_cycle(seen_cycle: int, last_credit: int) -> int:
    """Cycle of the sender in which a credit arrives: one a cycle and VC; ``last_credit`` the one before."""
    return arrival_cycle(seen_cycle, last_credit)


def arrivals(sender: Clock, receiver: Clock, write_edges: Sequence[int], n_stages: int) -> list[int]:
    """Arrival cycles (of the receiver) of flits written into the FIFO at ``write_edges`` (of the sender)."""
    found: list[int] = []
    for edge in write_edges:
        seen = seen_in_cycle(sender, edge, receiver, n_stages)
        found.append(arrival_cycle(seen, found[-1] if found else -1))
    return found


def words_seen_by_writer(
    sender: Clock, receiver: Clock, write_edges: Sequence[int], n_stages: int
) -> list[int]:
    """For each flit, how many are in the FIFO before it *as its writer knows*: late, so never too few.

    The FIFO takes the flit if there are fewer than its depth.  A flit that arrives in cycle ``a`` is taken
    out at the receiver's edge ``a + 1``; the writer decides in the cycle before the edge.
    """
    gone = [
        seen_in_cycle(receiver, cycle + 1, sender, n_stages)
        for cycle in arrivals(sender, receiver, write_edges, n_stages)
    ]
    return [sum(cycle > edge - 1 for cycle in gone[:number]) for number, edge in enumerate(write_edges)]


def fifo_address_bits(n_credits: int) -> int:
    """Address bits of the smallest FIFO (of at least 4 words) that holds ``n_credits`` flits.

    With room for every flit that may be under way, over all VCs of the link, it is never full: a credit
    comes back after its flit was taken out, by the same way, so the writer hears of the room before.
    """
    bits = 2
    while 1 << bits < n_credits:
        bits += 1
    return bits


def credit_count_bits(n_credits: int) -> int:
    """Bits (at least 2) of a wrapping count that tells 0 from ``n_credits``, the credits of one VC."""
    bits = 2
    while 1 << bits <= n_credits:
        bits += 1
    return bits
