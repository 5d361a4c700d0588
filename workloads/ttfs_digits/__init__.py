"""Digits told by the moment of a single spike per neuron (TTFS), and the comparison with rates."""
