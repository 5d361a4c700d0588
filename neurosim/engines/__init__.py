"""Engines: they run a program (or an integer network) on inputs and return a Result."""
