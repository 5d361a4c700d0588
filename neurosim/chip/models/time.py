"""The unit of time, and how time steps begin and end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.chip.models.base import Count, Natural, Part, misfit


class Cycle(Part):
    """The unit of time. ``is_clock: false`` marks a resolution chosen for an asynchronous chip."""

    period_ps: Count
    is_clock: bool = True


class Sync(Part):
    """Time steps: a barrier tree, or ticks of ``tick_period_cycles``."""

    mode: Literal["barrier", "tick"] = "barrier"
    tick_period_cycles: Count | None = None
    base_cycles: Natural = 1
    tile_tree_arity: Annotated[int, Field(ge=2)] = 2
    tile_level_cycles: Natural = 0
    chip_tree_arity: Annotated[int, Field(ge=2)] = 2
    chip_level_cycles: Natural = 0

    @model_validator(mode="after")
    def _tick_has_a_period(self) -> Sync:
        if self.mode == "tick" and self.tick_period_cycles is None:
            raise misfit("mode", "sync.mode 'tick' needs tick_period_cycles")
        return self
