"""What all sections of an adapter share: the base class, and the types of names and expressions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from neurosim.chip.models import Part

Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Bits = Annotated[int, Field(ge=1, le=4096)]


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], Field(min_length=1), BeforeValidator(_as_list)]
Expression = Annotated[str, Field(min_length=1), BeforeValidator(_as_text)]


class Section(Part):
    """Base of every section of an adapter: frozen, unknown keys refused."""
