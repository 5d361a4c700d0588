"""The rules of two clocks: edges, what is seen when, a link's order and rate, and a FIFO that is never full."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from neurosim.rules import clocks
from neurosim.rules.clocks import Clock

CLOCKS = st.builds(Clock, st.integers(1, 5000), st.integers(0, 5000))
STAGES = st.integers(2, 4)


@given(CLOCKS, st.integers(-1000, 10**6))
def test_time_and_cycle_are_inverse(clock, time_ps):
    cycle = clocks.cycle_at(clock, time_ps)
    assert clocks.edge_time_ps(clock, cycle) <= time_ps < clocks.edge_time_ps(clock, cycle + 1)
    first = clocks.first_edge_after(clock, time_ps)
    assert clocks.edge_time_ps(clock, first) > time_ps
    assert first == 0 or clocks.edge_time_ps(clock, first - 1) <= time_ps


def test_at_equal_edges_the_next_one_catches():
    fast, slow = Clock(1000, 0), Clock(3000, 0)
    # written at 3000 ps, when the slow clock has its edge 1: caught by edge 2, behind the second register at edge 3
    assert clocks.seen_in_cycle(fast, 3, slow, 2) == 3
    assert clocks.seen_in_cycle(fast, 2, slow, 2) == 2  # written at 2000 ps: before edge 1
    assert clocks.seen_in_cycle(slow, 1, fast, 2) == 5
    assert clocks.seen_in_cycle(slow, 1, Clock(1000, 1), 2) == 4  # its edge 3 is 1 ps later: just in time
    assert clocks.seen_in_cycle(slow, 1, fast, 3) == 6


def test_sizes_of_a_link():
    assert [clocks.stages(n) for n in (0, 1, 2, 3)] == [2, 2, 2, 3]
    assert [clocks.fifo_address_bits(n) for n in (1, 4, 5, 8, 9)] == [2, 2, 3, 3, 4]
    assert [clocks.credit_count_bits(n) for n in (1, 3, 4, 7, 8)] == [2, 2, 3, 3, 4]
    assert (clocks.write_edge(10, 1, 0), clocks.write_edge(10, 1, 1), clocks.write_edge(10, 3, 4)) == (12, 12, 17)
    assert clocks.credit_write_edge(10, 2) == 13


def test_equal_clocks_are_the_contracts_link():
    """Hop 3, latency 4, synchroniser 2: nine cycles, as section 3 of the contract has it for one clock."""
    clock = Clock(1000, 0)
    (arrival,) = clocks.arrivals(clock, clock, [clocks.write_edge(10, 3, 4)], 2)
    assert arrival == 10 + 3 + 4 + 2


def test_a_slow_receiver_takes_one_a_cycle():
    fast, slow = Clock(1000, 0), Clock(3000, 0)
    assert clocks.arrivals(fast, slow, [1, 2, 3, 4, 10], 2) == [2, 3, 4, 5, 6]
    assert clocks.arrivals(slow, fast, [1, 2, 3], 2) == [5, 8, 11]
    # the writer of the fourth flit has not yet heard that the first is gone
    assert clocks.words_seen_by_writer(fast, slow, [1, 2, 3, 4, 20, 24], 2) == [0, 1, 2, 3, 1, 1]


@given(CLOCKS, CLOCKS, STAGES, st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_a_link_keeps_order_and_rate(sender, receiver, stages, gaps):
    edges = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    found = clocks.arrivals(sender, receiver, edges, stages)
    assert all(a < b for a, b in itertools.pairwise(found))  # in order, one a cycle
    for edge, cycle in zip(edges, found, strict=True):
        written = clocks.edge_time_ps(sender, edge)
        caught = clocks.edge_time_ps(receiver, cycle - stages + 1)
        assert caught > written  # never before it is there
    first = found[0] - stages + 1  # the edge that caught the first one is the first that could
    assert first == 0 or clocks.edge_time_ps(receiver, first - 1) <= clocks.edge_time_ps(sender, edges[0])


@given(CLOCKS, CLOCKS, STAGES, st.integers(1, 4), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_with_credits_the_fifo_is_never_full(sender, receiver, stages, n_credits, flits):
    """A sender with ``n_credits``, a receiver that frees each slot some cycles after the flit arrived."""
    back = [0] * n_credits  # sender's cycles in which credits are there
    cycle, edges, last_credit, last_freed = 0, [], -1, -1
    for wait, hold in flits:
        cycle = max(cycle + 1 + wait, back.pop(0))
        edges.append(clocks.write_edge(cycle, 1, 1))
        arrival = clocks.arrivals(sender, receiver, edges, stages)[-1]
        last_freed = max(last_freed + 1, arrival + hold)
        edge = clocks.credit_write_edge(last_freed, 1)
        last_credit = clocks.credit_arrival_cycle(clocks.seen_in_cycle(receiver, edge, sender, stages), last_credit)
        back.append(last_credit)
    known = clocks.words_seen_by_writer(sender, receiver, edges, stages)
    assert max(known, default=0) < n_credits
