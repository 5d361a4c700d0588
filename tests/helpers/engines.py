"""The cycle engines that every conformance, golden and property test runs."""

from __future__ import annotations

from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine

ENGINES = [ReferenceEngine(), CompiledEngine()]
IDS = [engine.name for engine in ENGINES]
