"""What does not work: parts that are listed, and parts that are drawn at random."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from neurosim.chip.models.base import Natural, Part, Side

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class DeadLink(Part):
    """A link that is broken in both directions, named from one of its two routers."""

    x: Natural
    y: Natural
    side: Side

    def from_west_or_south(self, width: int, height: int) -> tuple[int, int, Side]:
        """The same link as one that leads east or north: the name that it has whatever its end.

        ``width`` and ``height`` are the tiles of the system, beyond whose border a ring closes.
        """
        if self.side == "west":
            return (self.x - 1) % width, self.y, "east"
        if self.side == "south":
            return self.x, (self.y - 1) % height, "north"
        return self.x, self.y, self.side


class Yield(Part):
    """Defects drawn at random: the share of each kind of part that works, and the seed of the draw."""

    cores: Share = 1.0
    routers: Share = 1.0
    links: Share = 1.0
    chips: Share = 1.0
    seed: Natural = 0


class Defects(Part):
    """What does not work; coordinates are global tile coordinates over all chips.

    ``cores`` are (x, y, number within the tile), ``routers`` (x, y), ``chips`` (column, row of the chip).  A
    dead router takes its cores and links with it, a dead chip all its routers.  ``drawn`` adds random ones.
    What follows from all this is :func:`neurosim.chip.defects.dead_parts`.
    """

    cores: tuple[tuple[Natural, Natural, Natural], ...] = ()
    routers: tuple[tuple[Natural, Natural], ...] = ()
    links: tuple[DeadLink, ...] = ()
    chips: tuple[tuple[Natural, Natural], ...] = ()
    drawn: Yield | None = None
