"""Holds the log of a run against the model: what must come out, what came, and the first difference.

Reads the bench's event log; the model is shown what the design took, and in which cycle.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neurosim.errors import InputError
from rtl_models.dut.expressions import ExpressionError
from rtl_models.dut.layout import WordLayout
from rtl_models.dut.loading import Loaded
from rtl_models.dut.models import CycleModel, Model, Seen, Word, model_failed
from rtl_models.dut.router_model import Place
from rtl_models.dut.run_log import LogEvent, RunLog

CONTEXT = 3  # words before and after the difference that are told
TAKEN = 8  # words taken before it
UNDEFINED = None  # a word with undefined bits
NOTHING = "no further word"
Said = tuple[str, Mapping[str, int]]  # a word of a model


@dataclass(frozen=True)
class Difference:
    """The first difference: where, what the model says, what the design did, and the words around it.

    ``n_different`` is None if nothing after it was compared.
    """

    cycle: int
    step: int
    port: str
    what: str
    expected: str
    got: str
    around: tuple[str, ...] = ()
    n_different: int | None = 1


@dataclass
class Stream:
    """Words of one port in one step (or in the whole run): what must come and what came."""

    port: str
    step: int
    expected: list[int] = field(default_factory=list)
    got: list[LogEvent] = field(default_factory=list)
    end_cycle: int = 0


class Comparison:
    """One case: its log, its model, and how words are told."""

    def __init__(self, loaded: Loaded, model: Model, log: RunLog, place: Place | None, n_steps: int) -> None:
        self.loaded, self.model, self.log, self.place, self.n_steps = loaded, model, log, place, n_steps
        self.layouts = {name: WordLayout(port.fields) for name, port in loaded.adapter.ports.items()}
        self.steps = loaded.adapter.step is not None and loaded.adapter.kind == "core"
        own = loaded.adapter.against.own
        self.model_name = "the model" if own is None else Path(own.model.rpartition(":")[0]).name

    def first(self) -> Difference | None:
        """The first difference in time, None if all is equal."""
        equality = self.loaded.adapter.against.equality
        if equality == "exact_cycle":
            found = self._cycles()
        elif self.place is not None and equality == "order":
            found = self._flows()
        else:
            found = self._streams(equality == "order")
        violations = [
            Difference(e.cycle, e.step, e.port, "protocol", "a word handed over as the protocol says", e.text)
            for e in self.log.of("violation")
        ]
        if violations:  # the run ended there: what is missing afterwards says nothing
            found = [d for d in found if d.cycle < violations[0].cycle]
        if self.log.end in ("stuck", "limit"):  # what is missing might still have come
            found = [d for d in found if d.got != NOTHING]
        everything = sorted([*found, *violations], key=lambda d: (d.cycle, d.port))
        if not everything:
            return None
        first = everything[0]
        is_stopped = equality == "exact_cycle" or bool(violations)  # what comes later follows from it, or not
        n = None if is_stopped else sum(d.n_different or 1 for d in everything)
        around = (*first.around, *self._taken_before(first))
        return dataclasses.replace(first, around=around, n_different=n)

    def _taken_before(self, first: Difference) -> Iterator[str]:
        """The last words that the design took before a difference (of its step, where there are steps)."""
        before = [e for e in self.log.of("taken") if e.cycle <= first.cycle]
        if self.steps and first.step >= 0:
            before = [e for e in before if e.step == first.step]
        for event in before[-TAKEN:]:
            text = self.layouts[event.port].text(event.value)
            yield f"  taken before: '{event.port}' {text} in cycle {event.cycle}"

    # what the model says

    def _word(self, event: LogEvent) -> Word:
        return Word(event.port, self.layouts[event.port].unpack(event.value or 0))

    def _packed(self, port: str, fields: Mapping[str, int], step: int) -> int:
        """A word of the model as bits.

        Raises:
            InputError: the model named a port or field that is not there, or a value that does not fit.
        """
        layout = self.layouts.get(port)
        try:
            if layout is None or self.loaded.adapter.ports[port].direction != "out":
                raise ValueError(f"'{port}' is no output port")
            unknown = sorted(set(fields) - {f.name for f in layout.fields})
            if unknown:
                raise ValueError(f"port '{port}' has no field '{unknown[0]}'")
            missing = [f.name for f in layout.given if f.name not in fields]
            if missing:
                raise ValueError(f"field '{missing[0]}' of port '{port}' is missing")
            return layout.pack(fields, {"step": step})
        except (ValueError, ExpressionError) as error:
            raise InputError(
                f"a word of the model is not one of the adapter: {error}", code="dut-model-word",
                where=self.model_name,
            ) from error  # fmt: skip

    def _said(self, says: Callable[[], Iterable[Said]]) -> list[Said]:
        try:
            return [(port, dict(fields)) for port, fields in says()]
        except InputError:
            raise
        except Exception as error:
            raise model_failed(self.model_name, error) from error

    def by_step(self) -> dict[int, list[Said]]:
        """What the model says, by step."""
        taken = defaultdict(list)
        for event in self.log.of("taken"):
            taken[event.step].append(self._word(event))
        if isinstance(self.model, CycleModel):
            step_of: dict[int, int] = {}
            for event in self.log.events:
                step_of[event.cycle] = event.step
            found: dict[int, list[Said]] = defaultdict(list)
            step = -1
            for cycle, words in self.by_cycle():
                step = step_of.get(cycle, step)
                found[step] += [word for word in words if word[1]]
            return found
        says = self.model.step
        return {
            step: self._said(functools.partial(says, step, taken[step])) for step in range(self.n_steps)
        }

    def by_cycle(self) -> Iterator[tuple[int, list[Said]]]:
        """What the model says, cycle by cycle."""
        assert isinstance(self.model, CycleModel)
        events = defaultdict(list)
        for event in self.log.events:
            events[event.cycle].append(event)
        ready: dict[str, bool] = {}
        for cycle in range(self.log.end_cycle):
            now = events.get(cycle, [])
            ready |= {e.port: bool(e.value) for e in now if e.kind == "ready"}
            seen = Seen(
                cycle, tuple(self._word(e) for e in now if e.kind == "offered"),
                tuple(self._word(e) for e in now if e.kind in ("taken", "marked")), dict(ready),
                tuple(e.port for e in now if e.kind == "returned"),
            )  # fmt: skip
            yield cycle, self._said(functools.partial(self.model.cycle, seen))

    # the three equalities

    def _streams(self, in_order: bool) -> list[Difference]:
        """Words of each port and step: in order, or as a set that counts."""
        streams: dict[tuple[int, str], Stream] = {}

        def stream(step: int, port: str) -> Stream:
            return streams.setdefault((step if self.steps else 0, port), Stream(port, step))

        for step, words in self.by_step().items():
            for port, fields in words:
                stream(step, port).expected.append(self._packed(port, fields, step))
        for event in self.log.of("got"):
            stream(event.step, event.port).got.append(event)
        last: dict[int, int] = {}
        for event in self.log.events:
            last[event.step if self.steps else 0] = event.cycle
        found = []
        for (step, port), one in streams.items():
            one.end_cycle = last.get(step, self.log.end_cycle)
            mask = self.layouts[port].compared
            judge = self._ordered if in_order else self._counted
            difference = judge(one, mask)
            if difference is not None:
                found.append(difference)
        return found

    def _ordered(self, one: Stream, mask: int) -> Difference | None:
        pairs = max(len(one.expected), len(one.got))
        wrong = [
            index
            for index in range(pairs)
            if index >= len(one.expected)
            or index >= len(one.got)
            or one.got[index].value is UNDEFINED
            or (one.expected[index] ^ (one.got[index].value or 0)) & mask
        ]
        return self._at(one, wrong[0], len(wrong)) if wrong else None

    def _at(self, one: Stream, index: int, n_different: int) -> Difference:
        layout = self.layouts[one.port]
        expected = layout.text(one.expected[index]) if index < len(one.expected) else NOTHING
        got, cycle = NOTHING, one.end_cycle
        if index < len(one.got):
            got, cycle = layout.text(one.got[index].value), one.got[index].cycle
        step = f"step {one.step}, " if self.steps else ""
        around = self._around(one, index)
        what = f"{step}word {index}"
        return Difference(cycle, one.step, one.port, what, expected, got, around, n_different)

    def _around(self, one: Stream, index: int) -> tuple[str, ...]:
        layout, lines = self.layouts[one.port], []
        for k in range(max(0, index - CONTEXT), index + CONTEXT + 1):
            expected = layout.text(one.expected[k]) if k < len(one.expected) else "-"
            got = layout.text(one.got[k].value) if k < len(one.got) else "-"
            cycle = f" in cycle {one.got[k].cycle}" if k < len(one.got) else ""
            if expected != "-" or got != "-":
                lines.append(f"{'>' if k == index else ' '} word {k}: expected {expected}; got {got}{cycle}")
        return tuple(lines)

    def _counted(self, one: Stream, mask: int) -> Difference | None:
        layout = self.layouts[one.port]
        left = Counter(word & mask for word in one.expected)
        wrong: list[tuple[int, str]] = []
        for event in one.got:
            word = -1 if event.value is UNDEFINED else (event.value or 0) & mask
            if left[word] > 0:
                left[word] -= 1
            else:
                wrong.append((event.cycle, layout.text(event.value)))
        missing = sorted(left.elements())
        if not wrong and not missing:
            return None
        step = f"step {one.step}, " if self.steps else ""
        expected = "; ".join(layout.text(word) for word in missing[:CONTEXT]) or NOTHING
        got = "; ".join(text for _, text in wrong[:CONTEXT]) or NOTHING
        cycle = wrong[0][0] if wrong else one.end_cycle
        n = max(len(wrong), len(missing))
        return Difference(cycle, one.step, one.port, f"{step}the set of words", expected, got, (), n)

    def _flows(self) -> list[Difference]:
        """A router's order: right port, and words that came in by one port leave in their order."""
        assert self.place is not None
        flows: dict[str, dict[str, list[LogEvent]]] = defaultdict(lambda: defaultdict(list))
        head: dict[str, str] = {}
        for event in self.log.of("taken"):
            fields = self.layouts[event.port].unpack(event.value or 0)
            if self.place.value(event.port, fields, "head", 1):
                head[event.port] = self.place.way_out(event.port, fields)
            flows[head[event.port]][event.port].append(event)
        found = []
        for port in self.place.out_name.values():
            got = [event for event in self.log.of("got") if event.port == port]
            difference = self._merged(port, flows[port], got)
            if difference is not None:
                found.append(difference)
        return found

    def _merged(
        self, port: str, flows: Mapping[str, Sequence[LogEvent]], got: Sequence[LogEvent]
    ) -> Difference | None:
        """Whether ``got`` is a merge of ``flows``, each in its order; all ways to merge are followed."""
        names, layout = list(flows), self.layouts[port]
        mask, ways = layout.compared, {tuple(0 for _ in names)}
        for index, event in enumerate(got):
            after = {
                (*way[:k], way[k] + 1, *way[k + 1 :])
                for way in ways
                for k, name in enumerate(names)
                if _is_next(flows[name], way[k], event, mask)
            }
            if not after:
                return self._no_way(port, flows, next(iter(sorted(ways))), event, index, len(got) - index)
            ways = after
        way = max(ways, key=sum)
        left = {name: flows[name][way[k] :] for k, name in enumerate(names)}
        n_left = sum(map(len, left.values()))
        if not n_left:
            return None
        name, word = next((name, words[0]) for name, words in left.items() if words)
        text = f"{layout.text(word.value)} (from '{name}', taken in cycle {word.cycle})"
        cycle, what = self.log.end_cycle, f"word {len(got)}"
        return Difference(cycle, -1, port, what, text, NOTHING, (), n_left)

    def _no_way(
        self, port: str, flows: Mapping[str, Sequence[LogEvent]], way: tuple[int, ...], event: LogEvent,
        index: int, n: int,
    ) -> Difference:  # fmt: skip
        layout = self.layouts[port]
        fronts = [
            f"{layout.text(flow[k].value)} (from '{name}')"
            for (name, flow), k in zip(flows.items(), way, strict=True)
            if k < len(flow) and flow[k].cycle <= event.cycle
        ]
        expected = "no word" if not fronts else ("one of: " if len(fronts) > 1 else "") + "; ".join(fronts)
        return Difference(event.cycle, -1, port, f"word {index}", expected, layout.text(event.value), (), n)

    def _cycles(self) -> list[Difference]:
        """Every word and credit in its cycle; all differences of the first cycle that has one."""
        events = defaultdict(list)
        for event in self.log.of("got", "credit", "wait", "taken"):
            events[event.cycle].append(event)
        accepts = getattr(self.model, "accepts", None)
        says = self.by_cycle()
        for cycle in range(self.log.end_cycle):
            ready = dict(accepts()) if accepts is not None else {}
            _, words = next(says)
            now = events.get(cycle, [])
            found = [*self._handed(cycle, words, now), *self._ready(cycle, ready, now)]
            if found:
                return found
        return []

    def _handed(
        self, cycle: int, words: Sequence[Said], events: Sequence[LogEvent]
    ) -> Iterator[Difference]:
        expected: dict[str, str] = {}
        bits: dict[str, int | None] = {}
        for port, fields in words:
            if self.loaded.adapter.ports.get(port) is not None and not fields:
                expected[port], bits[port] = "a credit", 0
            else:
                bits[port] = self._packed(port, fields, -1)
                expected[port] = self.layouts[port].text(bits[port])
        came = {e.port: e for e in events if e.kind in ("got", "credit")}
        for port in sorted({*expected, *came}):
            event = came.get(port)
            if event is None:
                yield Difference(cycle, -1, port, "word", expected[port], "nothing")
                continue
            got = "a credit" if event.kind == "credit" else self.layouts[port].text(event.value)
            if port not in expected:
                yield Difference(cycle, event.step, port, "word", "nothing", got)
            elif event.kind == "got":
                mask = self.layouts[port].compared
                if event.value is UNDEFINED or ((bits[port] or 0) ^ (event.value or 0)) & mask:
                    yield Difference(cycle, event.step, port, "word", expected[port], got)

    def _ready(
        self, cycle: int, ready: Mapping[str, bool], events: Sequence[LogEvent]
    ) -> Iterator[Difference]:
        for event in events:
            if event.kind not in ("wait", "taken") or event.port not in ready:
                continue
            expected, got = int(ready[event.port]), int(event.kind == "taken")
            if expected != got:
                yield Difference(cycle, event.step, event.port, "ready", str(expected), str(got))


def _is_next(flow: Sequence[LogEvent], at: int, event: LogEvent, mask: int) -> bool:
    """Whether ``event`` is word ``at`` of a flow, which the design had taken by then."""
    if at >= len(flow) or event.value is UNDEFINED or flow[at].cycle > event.cycle:
        return False
    return not ((flow[at].value or 0) ^ event.value) & mask
