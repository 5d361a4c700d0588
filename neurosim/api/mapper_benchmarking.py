"""``bench --mapper STAGE``: the mapper on public nets, against published figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from neurosim.api.bounds import check_effort, check_seed

if TYPE_CHECKING:
    from mapper.bench import Row
    from neurosim.engines.base import Progress


@dataclass(frozen=True)
class MapperBenchMade:
    """All measurements of a stage of the mapper."""

    stage: str
    rows: tuple[Row, ...]
    seed: int
    effort: float

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [{**asdict(row), "keeps_floor": row.keeps_floor} for row in self.rows]
        return {**asdict(self), "rows": rows}


def bench_mapper(
    stage: str | None, case: str | None = None, seed: int = 0, effort: float | None = None, *,
    progress: Progress | None = None,
) -> MapperBenchMade:  # fmt: skip
    """Measure one stage of the mapper; ``case`` (the beginning of a name) takes only some of its nets.

    ``effort`` scales the budgets; None: 1.

    Raises:
        InputError: no stage, no such stage or case, or a seed or effort out of range.
    """
    from mapper.bench import cases
    from neurosim.errors import InputError

    if stage is None:
        what = "a case was named" if case is not None else "an effort was given"
        raise InputError(
            f"{what}, but no stage of the mapper", code="usage", hint="say which: --mapper placement"
        )
    seed, effort = check_seed(seed), check_effort(1.0 if effort is None else effort)
    rows = []
    chosen = cases(stage, case)
    for done, one in enumerate(chosen):
        if progress is not None:
            progress(done, len(chosen), one.name)
        rows.append(one.run(seed, effort))
    return MapperBenchMade(stage, tuple(rows), seed, effort)
