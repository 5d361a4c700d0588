"""How large the system is: chips in a grid, tiles of a chip, how far apart two of them may be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurosim.chip.models.base import Count, Extent, Part


class System(Part):
    """How many chips, side by side in a grid."""

    chips_x: Extent = 1
    chips_y: Extent = 1


class Mesh(Part):
    """The tiles of one chip: a router and ``cores_per_tile`` cores each."""

    width: Extent
    height: Extent
    cores_per_tile: Annotated[int, Field(ge=1, le=4)] = 1
    topology: Literal["mesh", "torus"] = "mesh"


class Reach(Part):
    """How far a packet can be addressed, in hops per axis; null: everywhere."""

    x_hops: Count | None = None
    y_hops: Count | None = None
