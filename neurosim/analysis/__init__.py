"""Analyses: figures computed from counters and artefacts after a run, never inside an engine."""
