"""Requests to stop a run that is kept: Ctrl-C, and what systems send to end a process.

A run that is kept is not torn off: the first request is noted, the engine sees it within a fraction of a
second, saves, and ends.  A second one ends the program at once, as the first does while there is nothing to
save yet.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class StopRequests:
    """Notes requests while :meth:`noted` is open; only the main thread can (elsewhere all stays as it is)."""

    def __init__(self) -> None:
        self.number: int | None = None
        """The signal that asked; None if none has."""
        self._is_served = False
        self._raises = False
        self._before: dict[int, Any] = {}

    def is_asked(self) -> bool:
        """Whether to stop.  Whoever calls this serves requests from now on: the first only sets this."""
        self._is_served = True
        return self.number is not None

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """A block that the first request leaves at once, by KeyboardInterrupt."""
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """A block in which requests come here; one that nobody served is sent on afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
            before = signal.getsignal(number)
            if before not in (signal.SIG_IGN, None):  # leave nohup alone
                self._before[number] = before
                signal.signal(number, self._note)
        try:
            yield
        finally:
            for number, before in self._before.items():
                signal.signal(number, before)
        if self.number is not None:
            signal.raise_signal(self.number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None or not (self._is_served or self._raises):
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
            return
        self.number = number
        if self._raises:
            raise KeyboardInterrupt
