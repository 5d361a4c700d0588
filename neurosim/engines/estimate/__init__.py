"""The analytical engine: events counted exactly, time estimated from loads; nothing is simulated by cycles.

``tables`` says what one spike of every neuron costs, ``counts`` adds that up over the functional engine's
spikes, ``latency`` turns the loads of a step into its length, ``engine`` makes a Result of it.
"""

from neurosim.engines.estimate.engine import EstimateEngine

__all__ = ["EstimateEngine"]
