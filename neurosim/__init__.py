"""neurosim: cycle-level simulator of neuromorphic hardware with a mapping compiler."""

__version__ = "0.1.0"
