"""Prices of events, static power, and published totals to check against."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from neurosim.chip.models.base import Evidence, Figure, Part, misfit
from neurosim.errors import did_you_mean
from neurosim.rules.events import EVENTS


class CheckFigure(Part):
    """An all-in figure of the whole chip at one operating point: to check against, never a price."""

    name: str
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: str
    evidence: Evidence
    source: Annotated[str, Field(min_length=1)]
    conditions: str = ""


class Energy(Part):
    """Prices per event (every event must have one, if only null) and static power per chip."""

    events: dict[str, Figure]
    static_power_per_chip: Figure
    checks: tuple[CheckFigure, ...] = ()

    @model_validator(mode="after")
    def _every_event_is_priced_or_null(self) -> Energy:
        for name in self.events:
            if name not in EVENTS:
                raise misfit(f"events.{name}", f"unknown event '{name}'", did_you_mean(name, EVENTS))
        missing = [name for name in EVENTS if name not in self.events]
        if missing:
            raise misfit("events", f"no price (not even null) for event '{missing[0]}'")
        return self
