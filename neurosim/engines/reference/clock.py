"""The clock of the reference engine: SimPy keeps the time, two phases keep the cycle honest.

A message sent in cycle ``t`` arrives in a later one.  In every cycle that has work, one SimPy event
runs both phases of the contract: ARRIVE puts the cycle's messages into their receivers' own state,
STEP lets every component that was woken look at its own state and send.  Components never touch each
other, so the order within a phase cannot matter; a shuffling clock proves it.  When nobody has work
the next SimPy event is the next message: idle cycles cost nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

import simpy
from simpy.events import URGENT, Event

Delivery = tuple[Callable[..., None], tuple[Any, ...]]


class Component(Protocol):
    """Something that is woken by messages and acts in STEP."""

    woken_for: int
    stepped_in: int

    def step(self, now: int) -> None:
        """Act on the component's own state in cycle ``now``."""
        ...


class Clock:
    """Two-phase cycles on a SimPy environment.

    ``env`` is open to components written as ordinary SimPy processes: they call :meth:`send` and
    :meth:`wake` like everybody else, and act after ARRIVE of their cycle.
    """

    def __init__(self, shuffle_seed: int | None = None) -> None:
        self.env = simpy.Environment()
        self.last_arrival = 0  # the last cycle in which a message arrived
        self._mail: dict[int, list[Delivery]] = {}
        self._woken: dict[int, list[Component]] = {}
        self._shuffle = None if shuffle_seed is None else random.Random(shuffle_seed)

    @property
    def now(self) -> int:
        """The current cycle."""
        return int(self.env.now)

    def send(self, at: int, deliver: Callable[..., None], *message: Any) -> None:
        """Deliver a message in phase ARRIVE of cycle ``at`` (later than now)."""
        mail = self._mail.get(at)
        if mail is None:
            mail = self._mail[at] = []
            if at not in self._woken:
                self._schedule(at)
        mail.append((deliver, message))

    def wake(self, component: Component, at: int) -> None:
        """Let ``component`` step in cycle ``at`` (now during ARRIVE, else later)."""
        if component.woken_for == at:
            return
        component.woken_for = at
        woken = self._woken.get(at)
        if woken is None:
            woken = self._woken[at] = []
            if at not in self._mail:
                self._schedule(at)
        woken.append(component)

    def _schedule(self, at: int) -> None:
        if at == self.env.now:
            return  # the cycle is running: its own tick will look
        event = Event(self.env)
        event._ok = True
        event._value = None
        event.callbacks.append(self._tick)
        self.env.schedule(event, URGENT, at - self.env.now)

    def _tick(self, _event: Event) -> None:
        now = int(self.env.now)
        mail = self._mail.get(now, [])
        if mail:
            self.last_arrival = now
        if self._shuffle:
            self._shuffle.shuffle(mail)
        for deliver, message in mail:
            deliver(*message)
        components = self._woken.pop(now, [])
        self._mail.pop(now, None)
        if self._shuffle:
            self._shuffle.shuffle(components)
        for component in components:
            if component.stepped_in == now:
                continue  # woken twice for the same cycle
            component.stepped_in = now
            if component.woken_for == now:
                component.woken_for = -1
            component.step(now)
