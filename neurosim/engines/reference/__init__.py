"""The reference engine: SimPy, readable, and by definition right."""
