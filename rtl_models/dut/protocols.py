"""The protocols of AER ports, one small state machine per port and side, without a simulator.

In every cycle the bench asks :meth:`Channel.drive` what stands on the signals that it drives, lets the design
settle, and shows :meth:`Channel.sample` what the design answers just before the rising edge.  What happens
goes to a :class:`Recorder`: words *offered*, *taken* and *got*, cycles in which an offer is not taken
(*wait*), our own readiness when it changes (*ready*), credits, and whatever breaks the protocol.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import ClassVar

Read = Callable[[str], int | None]
"""``read("ack")``: the signal's value now, None if any of its bits is undefined."""

EVENT, MARK = "event", "mark"


class Recorder(ABC):
    """Takes what happens on a port."""

    @abstractmethod
    def happened(self, port: str, kind: str, value: int | None = None, text: str = "") -> None:
        """``kind``: offered, taken, marked, wait, got, ready, credit, returned or violation."""


class Channel(ABC):
    """One port.  ``stall``: probability that an output is not answered in a cycle; ``slots``: credits."""

    drives: ClassVar[tuple[str, ...]]

    def __init__(
        self, name: str, recorder: Recorder, slots: int = 0, stall: float = 0.0, seed: str = ""
    ) -> None:
        self.name = name
        self.queue: deque[tuple[int, int, str]] = deque()  # not before this cycle, word, EVENT or MARK
        self.slots = slots
        self._recorder = recorder
        self._stall = stall
        self._random = random.Random(f"{seed}:{name}")
        self._offered = -1  # the cycle of the offer under way
        self._ready: int | None = None
        self._undefined: set[str] = set()
        self._begin()

    def _begin(self) -> None:  # noqa: B027 - most subclasses have no more state
        """Set up the state of the subclass."""

    @abstractmethod
    def drive(self, cycle: int) -> dict[str, int]:
        """What stands on our signals in ``cycle``."""

    @abstractmethod
    def sample(self, cycle: int, read: Read) -> None:
        """Look at the design's signals of ``cycle``."""

    @property
    def busy(self) -> bool:
        """Whether something is waiting or under way."""
        return bool(self.queue) or self._offered >= 0

    def waiting(self) -> str | None:
        """What the port waits for, in words; None if for nothing."""
        if self._offered >= 0:
            return f"'{self.name}': the word offered in cycle {self._offered} was not taken"
        return f"'{self.name}': {len(self.queue)} words wait" if self.queue else None

    # for the state machines

    def _say(self, kind: str, value: int | None = None, text: str = "") -> None:
        self._recorder.happened(self.name, kind, value, text)

    def _is_due(self, cycle: int) -> bool:
        return bool(self.queue) and self.queue[0][0] <= cycle

    def _stalls(self) -> bool:
        return self._stall > 0 and self._random.random() < self._stall

    def _offer(self, cycle: int) -> None:
        if self._offered < 0:
            self._offered = cycle
            self._say("offered", self.queue[0][1])

    def _take(self) -> None:
        """The design has taken the front word."""
        _, word, kind = self.queue.popleft()
        self._offered = -1
        self._say("taken" if kind == EVENT else "marked", word)

    def _answer(self, ready: int) -> None:
        if ready != self._ready:
            self._ready = ready
            self._say("ready", ready)

    def _bit(self, read: Read, signal: str) -> int:
        """A control signal; an undefined one is reported once and counts as 0."""
        value = read(signal)
        if value is None and signal not in self._undefined:
            self._undefined.add(signal)
            self._say("violation", text=f"'{signal}' is undefined (x or z)")
        return value or 0


class ValidReadyIn(Channel):
    """We are the sender; a word stays until it is taken (valid and ready in one cycle)."""

    drives = ("valid", "data")

    def drive(self, cycle: int) -> dict[str, int]:
        """Valid while a word is due."""
        if not self._is_due(cycle):
            return {"valid": 0, "data": 0}
        self._offer(cycle)
        return {"valid": 1, "data": self.queue[0][1]}

    def sample(self, cycle: int, read: Read) -> None:
        """A word is taken in the cycle in which the design is ready."""
        ready = self._bit(read, "ready")
        if self._offered >= 0:
            if ready:
                self._take()
            else:
                self._say("wait")


class ValidReadyOut(Channel):
    """The design is the sender; it must keep its word until we are ready."""

    drives = ("ready",)

    def _begin(self) -> None:
        self._kept: tuple[int | None] | None = None  # the word that we were not ready for

    def drive(self, cycle: int) -> dict[str, int]:
        """Ready unless we stall."""
        ready = int(not self._stalls())
        self._answer(ready)
        return {"ready": ready}

    def sample(self, cycle: int, read: Read) -> None:
        """A word is ours in the cycle in which it is valid and we are ready."""
        valid = self._bit(read, "valid")
        word = read("data") if valid else None
        if self._kept is not None and not valid:
            self._say("violation", text="'valid' fell before the word was taken")
        elif self._kept is not None and word != self._kept[0]:
            self._say("violation", text="'data' changed before the word was taken")
        self._kept = None
        if valid and self._ready:
            self._say("got", word)
        elif valid:
            self._kept = (word,)


class CreditIn(Channel):
    """We are the sender and hold ``slots`` credits; a credit seen in t can be spent on the word of t + 1."""

    drives = ("valid", "data")

    def _begin(self) -> None:
        self._credits = self.slots

    def drive(self, cycle: int) -> dict[str, int]:
        """A word if one is due and there is a credit."""
        if not self._is_due(cycle) or not self._credits:
            return {"valid": 0, "data": 0}
        self._credits -= 1
        word = self.queue[0][1]
        self._offer(cycle)
        self._take()
        return {"valid": 1, "data": word}

    def sample(self, cycle: int, read: Read) -> None:
        """A credit came back."""
        if self._bit(read, "credit"):
            self._credits += 1
            self._say("credit")
            if self._credits > self.slots:
                self._say("violation", text=f"more credits came back than the {self.slots} slots")

    def waiting(self) -> str | None:
        """No credit comes back."""
        if self.queue and not self._credits:
            return f"'{self.name}': no credit comes back"
        return super().waiting()


class CreditOut(Channel):
    """The design is the sender; we give the credit of a word back a cycle later, or later if we stall."""

    drives = ("credit",)

    def _begin(self) -> None:
        self._held = 0

    def drive(self, cycle: int) -> dict[str, int]:
        """A credit for a word that we hold."""
        back = int(self._held > 0 and not self._stalls())
        self._held -= back
        if back:
            self._say("returned")
        return {"credit": back}

    def sample(self, cycle: int, read: Read) -> None:
        """A word is ours as soon as it is valid."""
        if self._bit(read, "valid"):
            self._say("got", read("data"))
            self._held += 1
            if self._held > self.slots:
                self._say("violation", text=f"a word without a credit: all {self.slots} slots are full")


class FourPhaseIn(Channel):
    """Request up, acknowledge up (the word is taken), request down, acknowledge down."""

    drives = ("req", "data")

    def _begin(self) -> None:
        self._word = 0
        self._closing = False  # acknowledged, waiting for acknowledge to fall

    @property
    def busy(self) -> bool:
        """Also until acknowledge has fallen."""
        return super().busy or self._closing

    def drive(self, cycle: int) -> dict[str, int]:
        """Request with the word; the word stands until acknowledge has fallen."""
        if not self._closing and self._is_due(cycle):
            self._offer(cycle)
            self._word = self.queue[0][1]
        return {"req": int(self._offered >= 0), "data": self._word}

    def sample(self, cycle: int, read: Read) -> None:
        """Follow acknowledge."""
        ack = self._bit(read, "ack")
        if self._offered >= 0:
            if ack:
                self._take()
                self._closing = True
            else:
                self._say("wait")
        elif self._closing:
            self._closing = bool(ack)
        elif ack:
            self._say("violation", text="'ack' without a request")

    def waiting(self) -> str | None:
        """Either edge of acknowledge may be missing."""
        return f"'{self.name}': 'ack' does not fall" if self._closing else super().waiting()


class FourPhaseOut(Channel):
    """The design requests; we acknowledge, a stall delays either edge."""

    drives = ("ack",)

    def _begin(self) -> None:
        self._ack = 0
        self._requested: tuple[int | None] | None = None  # the word under way

    @property
    def busy(self) -> bool:
        """Until both signals are down again."""
        return self._requested is not None or bool(self._ack)

    def drive(self, cycle: int) -> dict[str, int]:
        """Acknowledge follows request."""
        if (self._requested is not None) != bool(self._ack) and not self._stalls():
            self._ack = 1 - self._ack
        self._answer(self._ack)
        return {"ack": self._ack}

    def sample(self, cycle: int, read: Read) -> None:
        """A word is ours when request is seen; it must stay until we acknowledge."""
        req = self._bit(read, "req")
        if self._requested is None:
            if req and not self._ack:
                self._requested = (read("data"),)
                self._say("got", self._requested[0])
            return
        if req and not self._ack and read("data") != self._requested[0]:
            self._say("violation", text="'data' changed before the acknowledge")
        if not req:
            if not self._ack:
                self._say("violation", text="'req' fell before the acknowledge")
            self._requested = None

    def waiting(self) -> str | None:
        """Request may stay up."""
        return f"'{self.name}': 'req' does not fall" if self.busy else None


class TwoPhaseIn(Channel):
    """Every edge of request offers a word, acknowledge following it takes it."""

    drives = ("req", "data")

    def _begin(self) -> None:
        self._req = self._word = 0

    def drive(self, cycle: int) -> dict[str, int]:
        """Toggle request for a new word."""
        if self._offered < 0 and self._is_due(cycle):
            self._offer(cycle)
            self._word = self.queue[0][1]
            self._req = 1 - self._req
        return {"req": self._req, "data": self._word}

    def sample(self, cycle: int, read: Read) -> None:
        """Taken when both are equal again."""
        ack = self._bit(read, "ack")
        if self._offered >= 0:
            if ack == self._req:
                self._take()
            else:
                self._say("wait")
        elif ack != self._req:
            self._say("violation", text="'ack' toggled without a request")


class TwoPhaseOut(Channel):
    """Every edge of the design's request is a word; we acknowledge by an edge, later if we stall."""

    drives = ("ack",)

    def _begin(self) -> None:
        self._ack = 0
        self._requested: tuple[int | None] | None = None

    @property
    def busy(self) -> bool:
        """Until we have acknowledged."""
        return self._requested is not None

    def drive(self, cycle: int) -> dict[str, int]:
        """Toggle acknowledge for a word that we have."""
        if self._requested is not None and not self._stalls():
            self._ack = 1 - self._ack
            self._requested = None
        self._answer(self._ack)
        return {"ack": self._ack}

    def sample(self, cycle: int, read: Read) -> None:
        """A word is ours when request differs from our acknowledge."""
        req = self._bit(read, "req")
        if self._requested is None:
            if req != self._ack:
                self._requested = (read("data"),)
                self._say("got", self._requested[0])
        elif req == self._ack:
            self._say("violation", text="'req' toggled back before the acknowledge")
            self._requested = None
        elif read("data") != self._requested[0]:
            self._say("violation", text="'data' changed before the acknowledge")


CHANNELS: dict[tuple[str, str], type[Channel]] = {
    ("valid_ready", "in"): ValidReadyIn, ("valid_ready", "out"): ValidReadyOut,
    ("credit", "in"): CreditIn, ("credit", "out"): CreditOut,
    ("four_phase", "in"): FourPhaseIn, ("four_phase", "out"): FourPhaseOut,
    ("two_phase", "in"): TwoPhaseIn, ("two_phase", "out"): TwoPhaseOut,
}  # fmt: skip
