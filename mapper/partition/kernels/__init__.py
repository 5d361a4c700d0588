"""Compiled kernels of the partitioners."""
