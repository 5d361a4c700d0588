"""The order of a network's populations: loops, the step that closes each of them, and who runs when.

Reads a network's projections only.  A loop in which no projection has a delay gets one step on the
projection that closes it, which is what every framework does (a recurrent layer sees its last output).
"""

from __future__ import annotations

from dataclasses import replace

from neurosim.network.model import Network, Projection


def add_loop_delays(network: Network) -> tuple[Network, tuple[str, ...]]:
    """``network`` with one step of delay on each projection that closes a loop, and a warning per such.

    Populations are visited depth first from the inputs, in order; a projection to a population that is
    still open closes a loop.
    """
    closing: set[str] = set()
    state: dict[str, int] = {}  # 1: open, 2: done
    roots = [p.name for p in network.inputs] + [p.name for p in network.populations]
    for root in roots:
        if root not in state:
            _visit(network, root, state, closing)
    projections = tuple(replace(p, delay_steps=1) if p.name in closing else p for p in network.projections)
    warnings = tuple(
        f"projection '{p.name}' closes a loop without a Delay; it takes one time step"
        for p in network.projections
        if p.name in closing
    )
    return replace(network, projections=projections), warnings


def _visit(network: Network, root: str, state: dict[str, int], closing: set[str]) -> None:
    stack = [(root, _immediate(network, root))]
    state[root] = 1
    while stack:
        name, todo = stack[-1]
        if not todo:
            state[name] = 2
            stack.pop()
            continue
        projection = todo.pop(0)
        if state.get(projection.target) == 1:
            closing.add(projection.name)
        elif projection.target not in state:
            state[projection.target] = 1
            stack.append((projection.target, _immediate(network, projection.target)))


def _immediate(network: Network, name: str) -> list[Projection]:
    return [p for p in network.out_of(name) if p.delay_steps == 0]


def components(network: Network) -> tuple[tuple[str, ...], ...]:
    """Groups of populations in the order in which they can be computed, inputs left out.

    A group is a population, or all populations of a loop in an order in which projections without delay
    only go forward.  A group depends on earlier groups and on itself only.

    Raises:
        ValueError: a loop has no delay at all (no importer makes such a network).
    """
    names = _step_order(network)
    reach = {name: _reached_from(network, name) for name in names}
    groups: list[tuple[str, ...]] = []
    for name in names:
        if not any(name in group for group in groups):
            loop = {other for other in reach[name] if name in reach[other]} | {name}
            groups.append(tuple(other for other in names if other in loop))
    inputs = {p.name for p in network.inputs}
    return tuple(_sorted_groups(network, [g for g in groups if g[0] not in inputs], inputs))


def in_running_order(network: Network) -> Network:
    """``network`` with its inputs first, then its populations in the order in which they run."""
    order = [p.name for p in network.inputs] + [name for group in components(network) for name in group]
    projections = sorted(network.projections, key=lambda p: order.index(p.target))
    return replace(
        network,
        populations=tuple(network.population(name) for name in order),
        projections=tuple(projections),
    )


def _step_order(network: Network) -> list[str]:
    """Populations sorted so that projections without delay go forward."""
    waiting = {
        p.name: {q.source for q in network.into(p.name) if q.delay_steps == 0} for p in network.populations
    }
    order: list[str] = []
    while waiting:
        free = next((name for name, needs in waiting.items() if not needs.difference(order)), None)
        if free is None:
            raise ValueError(f"a loop without any delay through '{next(iter(waiting))}'")
        order.append(free)
        del waiting[free]
    return order


def _reached_from(network: Network, name: str) -> set[str]:
    seen: set[str] = set()
    todo = [name]
    while todo:
        for projection in network.out_of(todo.pop()):
            if projection.target not in seen:
                seen.add(projection.target)
                todo.append(projection.target)
    return seen


def _sorted_groups(network: Network, groups: list[tuple[str, ...]], done: set[str]) -> list[tuple[str, ...]]:
    """Groups so that every projection between two of them, delayed or not, goes forward."""
    order: list[tuple[str, ...]] = []
    ready, left = set(done), list(groups)
    while left:
        for group in left:
            sources = {p.source for name in group for p in network.into(name)}
            if sources <= ready | set(group):
                break
        else:
            raise ValueError("groups depend on one another")
        order.append(group)
        ready |= set(group)
        left.remove(group)
    return order
