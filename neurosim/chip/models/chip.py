"""The whole description: its sections together, checked one by one and against each other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.chip.models.base import Part, Provenance, Side
from neurosim.chip.models.core import Core, CoreType
from neurosim.chip.models.defects import Defects
from neurosim.chip.models.energy import Energy
from neurosim.chip.models.fabric import ChipLink, Host, Packet, Router
from neurosim.chip.models.fit import check_fit, has_link
from neurosim.chip.models.layout import Mesh, Reach, System
from neurosim.chip.models.time import Cycle, Sync


class Chip(Part):
    """A whole system: identical chips in a grid, with one host."""

    schema_version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    description: str
    cycle: Cycle
    system: System = System()
    mesh: Mesh
    packet: Packet
    router: Router
    link: ChipLink | None = None
    core: Core
    core_types: tuple[CoreType, ...] = ()
    host: Host | None = None
    reach: Reach = Reach()
    sync: Sync = Sync()
    defects: Defects | None = None
    energy: Energy
    provenance: dict[str, Provenance] = Field(default={})

    @property
    def n_chips(self) -> int:
        """Chips in the system."""
        return self.system.chips_x * self.system.chips_y

    def has_link(self, x: int, y: int, side: Side) -> bool:
        """Whether a link leads from tile ``(x, y)`` of the system, defects aside, to another on that side."""
        return has_link(self, x, y, side)

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Chip:
        check_fit(self)
        return self
