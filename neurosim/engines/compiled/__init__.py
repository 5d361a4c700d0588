"""The compiled engine: Numba kernels over the same rules."""
