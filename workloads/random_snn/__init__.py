"""Random feed-forward spiking networks: a generator, a NumPy witness of their totals, and an importer.

The semantics and the order of random draws are those of a published side-by-side test with SANA-FE, so that
equal seeds give equal arrays and every simulator must meet the same totals; see ``README.md``.
"""
