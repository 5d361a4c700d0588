"""Networks: importers, neuron profiles, quantisation, float simulation, checks."""
