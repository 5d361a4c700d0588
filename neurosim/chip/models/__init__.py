"""The chip description: the single source of every parameter of the hardware.

Frozen pydantic models, one module per part of the description (below); unknown keys are refused.
Plain numbers here are architecture (sizes, cycle counts); prices are :class:`Figure`.  Where each plain
number comes from stands in ``Chip.provenance``, which the loader fills from the YAML file (see
``neurosim/chip/loader.py``).  All ``*_cycles`` are cycles of ``cycle.period_ps``.

``layout`` (chips and tiles) -> ``fabric`` (packet, router, link, host) -> ``core`` -> ``time`` (cycle,
steps) -> ``defects`` -> ``energy`` -> ``chip`` (all of it), checked by ``fit``.
"""

from neurosim.chip.models.base import (
    LARGEST,
    Count,
    Evidence,
    Extent,
    Figure,
    Natural,
    Part,
    Provenance,
    Side,
    misfit,
)
from neurosim.chip.models.chip import Chip
from neurosim.chip.models.core import Core, CoreType, NeuronModel, Overflow, SynapseFormat, UpdateCycles
from neurosim.chip.models.defects import DeadLink, Defects, Share, Yield
from neurosim.chip.models.energy import CheckFigure, Energy
from neurosim.chip.models.fabric import ChipLink, Gateways, HopCycles, Host, Packet, PacketField, Router
from neurosim.chip.models.layout import Mesh, Reach, System
from neurosim.chip.models.time import Cycle, Sync

__all__ = [
    "LARGEST",
    "CheckFigure",
    "Chip",
    "ChipLink",
    "Core",
    "CoreType",
    "Count",
    "Cycle",
    "DeadLink",
    "Defects",
    "Energy",
    "Evidence",
    "Extent",
    "Figure",
    "Gateways",
    "HopCycles",
    "Host",
    "Mesh",
    "Natural",
    "NeuronModel",
    "Overflow",
    "Packet",
    "PacketField",
    "Part",
    "Provenance",
    "Reach",
    "Router",
    "Share",
    "Side",
    "SynapseFormat",
    "Sync",
    "System",
    "UpdateCycles",
    "Yield",
    "misfit",
]
