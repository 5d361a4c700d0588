"""The simulator's router rules as a model of one router with anybody's ports.

The reference engine's :class:`~neurosim.engines.reference.router.Router` decides; what is here is the shell
that turns words into its flits, and valid/ready into its credits: an output may be granted when its register
will be free (``register``) or the receiver is ready now (``direct``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from neurosim.chip.models import Chip
from neurosim.engines.reference.clock import Clock
from neurosim.engines.reference.packets import Flit, Ledger, Packet
from neurosim.engines.reference.router import OutputLink, Router, Upstream
from neurosim.errors import InputError
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rules import ports
from rtl_models.dut.against import RouterRules
from rtl_models.dut.core_model import chip_of
from rtl_models.dut.layout import WordLayout
from rtl_models.dut.loading import Loaded
from rtl_models.dut.models import Seen, Word


class Place:
    """Where the router stands: its fabric, tile, and which of its ports the adapter names."""

    def __init__(self, loaded: Loaded, given: RouterRules) -> None:
        at, adapter = ("against", "router"), loaded.adapter
        self.chip: Chip = chip_of(loaded, at, given.chip, given.set)
        self.fabric: Fabric = build_fabric(self.chip, with_defects=False)
        if given.x >= self.fabric.width or given.y >= self.fabric.height:
            raise loaded.error(
                (*at, "x"), f"({given.x}, {given.y}) lies outside the mesh", "outside",
                expected=f"x below {self.fabric.width}, y below {self.fabric.height}",
            )  # fmt: skip
        self.tile = given.y * self.fabric.width + given.x
        if self.fabric.n_vcs > 1:
            raise loaded.error(
                (*at, "chip"), f"chip '{given.chip}' has {self.fabric.n_vcs} virtual channels",
                "virtual-channels", expected="1: a stranger's ports carry no channel number",
                hint="set: {router.virtual_channels: 1}",
            )  # fmt: skip
        self.number: dict[str, int] = {}  # of the port, by the adapter's name
        self.out_name: dict[int, str] = {}
        for name, port in adapter.ports.items():
            if port.side is None:
                raise loaded.error(("ports", name), f"port '{name}' of a router needs 'side'", "no-side")
            number = ports.LOCAL if port.side == "local" else ports.DIRECTION_NAMES.index(port.side)
            self._only_one(loaded, name, number)
            self.number[name] = number
            if port.direction == "out":
                self.out_name[number] = name
        self.layouts = {name: WordLayout(port.fields) for name, port in adapter.ports.items()}
        for name in self.inputs(loaded):
            for means in ("x", "y", *(("head", "tail") if self.chip.packet.flits > 1 else ())):
                if self.layouts[name].named(means) is None:
                    text = f"the router rules need a field that means '{means}' on port '{name}'"
                    raise loaded.error(("ports", name, "fields"), text, "no-meaning")

    def _only_one(self, loaded: Loaded, name: str, number: int) -> None:
        """Refuse a port on a side that has one of its direction."""
        mine = loaded.adapter.ports[name]
        for other, taken in self.number.items():
            if taken == number and loaded.adapter.ports[other].direction == mine.direction:
                both = f"ports '{other}' and '{name}' are both"
                what = f"{both} the '{mine.direction}' port of side '{mine.side}'"
                raise loaded.error(("ports", name, "side"), what, "side-twice")

    def inputs(self, loaded: Loaded) -> list[str]:
        """Names of the input ports."""
        return [name for name, port in loaded.adapter.ports.items() if port.direction == "in"]

    def value(self, port: str, fields: Mapping[str, int], means: str, default: int) -> int:
        """The field of this meaning."""
        field = self.layouts[port].named(means)
        return default if field is None else fields[field.name]

    def goal(self, port: str, fields: Mapping[str, int]) -> tuple[int, int]:
        """Destination tile and the port to leave by there.

        Raises:
            InputError: no such tile.
        """
        x, y = self.value(port, fields, "x", 0), self.value(port, fields, "y", 0)
        if x >= self.fabric.width or y >= self.fabric.height:
            raise InputError(
                f"a word for tile ({x}, {y}), which is outside the mesh", code="dut-stimulus",
                where=f"port '{port}'",
            )  # fmt: skip
        return y * self.fabric.width + x, self.value(port, fields, "exit", ports.LOCAL)

    def way_out(self, port: str, fields: Mapping[str, int]) -> str:
        """Name of the port by which this word must leave.

        Raises:
            InputError: the adapter names no port there.
        """
        number = self.fabric.route(self.tile, *self.goal(port, fields))[0]
        if number not in self.out_name:
            raise InputError(
                f"a word must leave by the {ports.port_name(number)} port, which the adapter does not name",
                code="dut-stimulus", where=f"port '{port}'",
                got=", ".join(f"{k} {v}" for k, v in fields.items()),
            )  # fmt: skip
        return self.out_name[number]


class _Cycles:
    """A clock that is told the cycle: keeps messages until theirs."""

    def __init__(self) -> None:
        self.now = -1
        self._mail: dict[int, list[tuple[Callable[..., None], tuple[Any, ...]]]] = {}

    def send(self, at: int, deliver: Callable[..., None], *message: Any) -> None:
        if at == self.now:
            deliver(*message)  # an output without a register
        else:
            self._mail.setdefault(at, []).append((deliver, message))

    def wake(self, component: object, at: int) -> None:
        """Nothing: the router steps in every cycle."""

    def arrive(self) -> None:
        for deliver, message in self._mail.pop(self.now, []):
            deliver(*message)


class RouterModel:
    """One router in every cycle; a :class:`~rtl_models.dut.models.CycleModel`."""

    def __init__(self, loaded: Loaded, given: RouterRules, place: Place) -> None:
        self._place, self._given, self._adapter = place, given, loaded.adapter
        self._clock = _Cycles()
        clock = cast(Clock, self._clock)
        self._router = Router(place.tile, place.fabric, clock, Ledger(keep_packets=False))
        self._words: list[list[Mapping[str, int]]] = []  # of each packet, by flit
        self._open: dict[str, Packet] = {}  # the packet whose body comes in at a port
        self._registers: dict[str, deque[Word]] = {}
        self._now: list[Word] = []
        self._under_way: dict[str, int] = {}  # words between an input and its FIFO
        for name, port in self._adapter.ports.items():
            self._connect(name, port.direction, port.protocol, port.credits or 0)

    def _connect(self, name: str, direction: str, protocol: str, credits: int) -> None:
        number, router = self._place.number[name], self._router
        if direction == "in":
            has_credits = protocol == "credit"

            def freed(_vc: int) -> None:
                if has_credits:
                    self._now.append(Word(name, {}))

            router.upstream[number] = Upstream(freed, self._given.credit_cycles)
            self._under_way[name] = 0
            return
        self._registers[name] = deque()
        router.credits[number] = credits
        latency = self._given.output_cycles if protocol == "credit" else int(self._given.output == "register")
        interval = int(self._place.fabric.interval[self._place.tile, number])

        def leave(_vc: int, flit: Flit) -> None:
            word = Word(name, self._words[flit[0].number][flit[1]])
            (self._registers[name] if self._is_registered(name) else self._now).append(word)

        router.links[number] = OutputLink(leave, latency, interval)

    def _is_registered(self, name: str) -> bool:
        return self._adapter.ports[name].protocol != "credit" and self._given.output == "register"

    def accepts(self) -> dict[str, bool]:
        """Which inputs are ready in the coming cycle: those whose FIFO has a free slot."""
        depth = self._place.chip.router.buffer_flits
        return {
            name: len(self._router.fifo[self._place.number[name]]) + under_way < depth
            for name, under_way in self._under_way.items()
            if self._adapter.ports[name].protocol == "valid_ready"
        }

    def cycle(self, seen: Seen) -> Iterable[Word]:
        """What leaves in this cycle."""
        clock, router = self._clock, self._router
        clock.now, self._now = seen.cycle, []
        for word in seen.taken:
            self._under_way[word.port] += 1
            clock.send(seen.cycle + self._given.input_cycles, self._arrive, word.port, self._flit(word))
        clock.arrive()
        for name in seen.returned:
            router.credit(self._place.number[name], 0)
        for name, register in self._registers.items():
            if self._adapter.ports[name].protocol == "credit":
                continue
            ready = seen.ready.get(name, True)
            if register and ready:
                self._now.append(register.popleft())
            is_free = not register if self._is_registered(name) else ready
            router.credits[self._place.number[name]] = int(is_free)
        router.step(seen.cycle)
        return self._now

    def _arrive(self, port: str, flit: Flit) -> None:
        self._under_way[port] -= 1
        self._router.receive(self._place.number[port], 0, flit)

    def _flit(self, word: Word) -> Flit:
        place, n_flits = self._place, self._place.chip.packet.flits
        packet = self._open.get(word.port)
        if packet is None:
            goal, exit_port = place.goal(word.port, word.fields)
            packet = Packet(0, 0, goal, exit_port, 0, 0, n_flits)
            packet.number = len(self._words)
            self._words.append([])
        words = self._words[packet.number]
        words.append(word.fields)
        if len(words) == n_flits:
            self._open.pop(word.port, None)
        else:
            self._open[word.port] = packet
        return packet, len(words) - 1
