"""Infeasibility as a result: which resource, demand, bound and gap, which layer, what would make it fit.

Everything stated here is true: ``bound`` is proven, ``demand`` is what the best solution found takes,
and each remedy about capacities was tried by the partitioner before it is offered.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.errors import DoesNotFitError


@dataclass(frozen=True)
class Infeasibility:
    """Why a network does not fit.

    ``resource`` is named as a person would ("cores", "axons per core"); ``demand`` is the smallest
    amount with which a solution was found (None if none was), ``bound`` a proven lower bound of it,
    ``limit`` what the chip has.  ``layer`` is the population at fault, None for the whole network.
    """

    resource: str
    layer: str | None
    demand: int | None
    bound: int
    limit: int
    what: str
    remedies: tuple[str, ...] = ()

    @property
    def gap(self) -> float | None:
        """(demand - bound) / demand; None without a demand."""
        if self.demand is None:
            return None
        return (self.demand - self.bound) / self.demand if self.demand else 0.0

    @property
    def _resource(self) -> str:
        """The resource as it stands after the limit: ``1 core``, ``1 axon per core``."""
        first, *rest = self.resource.split(" ")
        return " ".join([first.removesuffix("s"), *rest]) if self.limit == 1 else self.resource

    def error(self, where: str) -> InfeasibleError:
        """The error that a user sees; ``where`` names the network."""
        if self.demand is None:
            got = f"at least {self.bound} (proven; no solution was found at any size)"
        elif self.demand == self.bound:
            got = f"{self.demand} (proven minimum)"
        else:
            gap = 100 * (self.gap or 0.0)
            proof = f"proven lower bound {self.bound}, gap {gap:.0f} %"
            got = f"{self.demand} in the best solution found ({proof})"
        return InfeasibleError(
            self.what,
            code="map-does-not-fit",
            where=where,
            expected=f"at most {self.limit} {self._resource}",
            got=got,
            hint="it would fit with " + ", or with ".join(self.remedies) if self.remedies else None,
            report=self,
        )


class InfeasibleError(DoesNotFitError):
    """A network does not fit; ``report`` says why in numbers."""

    def __init__(
        self,
        what: str,
        *,
        code: str,
        where: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
        report: Infeasibility,
    ) -> None:
        super().__init__(what, code=code, where=where, expected=expected, got=got, hint=hint)
        self.report = report
