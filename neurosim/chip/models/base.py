"""What every section is made of: its base, the kinds of number, their sources, and prices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Evidence = Literal["measured", "published", "derived", "assumed"]
LARGEST = 10**12  # keeps every sum of cycles far inside 64 bits
Count = Annotated[int, Field(ge=1, le=LARGEST)]
Natural = Annotated[int, Field(ge=0, le=LARGEST)]
Extent = Annotated[int, Field(ge=1, le=1024)]
Side = Literal["east", "north", "west", "south"]


def misfit(
    path: str, message: str, hint: str | None = None, expected: str | None = None, got: str | None = None,
    first: str | None = None,
) -> PydanticCustomError:  # fmt: skip
    """An error of a validator; ``path`` (dotted, from the validated section) is what it points at.

    ``first`` is the path of what came before it and is told with its line, if there is a file.
    """
    return PydanticCustomError(
        "misfit",
        "{message}",
        {"message": message, "path": path, "hint": hint, "expected": expected, "got": got, "first": first},
    )


class Part(BaseModel):
    """Base of every section of the description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Provenance(Part):
    """Where a plain number comes from."""

    evidence: Evidence
    source: Annotated[str, Field(min_length=1)]
    conditions: str = ""


class Figure(Part):
    """A physical figure; ``value: null`` means unknown and is reported as *not priced*."""

    value: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    unit: Literal["pJ", "nJ", "uJ", "mW", "W"]
    evidence: Evidence
    source: Annotated[str, Field(min_length=1)]
    conditions: str = ""

    def si(self) -> float | None:
        """The value in joules or watts."""
        scale = {"pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6, "mW": 1e-3, "W": 1.0}[self.unit]
        return None if self.value is None else self.value * scale
