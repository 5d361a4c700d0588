"""Compiled kernels of placement; nothing else lies here, so that their cache is keyed by them alone."""
