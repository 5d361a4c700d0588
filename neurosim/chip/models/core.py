"""One neuromorphic core: its capacities, widths and timing, and tiles that differ from the rest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neurosim.chip.models.base import Count, Natural, Part

NeuronModel = Literal["if", "lif", "cuba_lif", "li", "cuba_li", "ttfs"]
SynapseFormat = Literal["dense", "sparse", "conv"]


class UpdateCycles(Part):
    """Cycles of one neuron update."""

    active: Count
    idle: Count


class Overflow(Part):
    """What happens when a value leaves its width; it is counted either way."""

    membrane: Literal["saturate", "wrap"] = "saturate"
    accumulator: Literal["saturate", "wrap"] = "saturate"


class CoreType(Part):
    """A kind of tile that differs from the base core; the first that matches a tile is taken.

    A tile matches if it is listed, or if ``x mod x_modulus`` is among ``x_remainders``.
    """

    name: str
    tiles: tuple[tuple[Natural, Natural], ...] = ()
    x_modulus: Count | None = None
    x_remainders: tuple[Natural, ...] = ()
    is_neuron_core: bool = True
    neurons: Natural | None = None
    synapse_words: Natural | None = None
    axons: Natural | None = None
    target_entries: Natural | None = None

    def matches(self, x: int, y: int) -> bool:
        """Whether tile ``(x, y)`` of a chip is of this kind."""
        if (x, y) in self.tiles:
            return True
        return self.x_modulus is not None and x % self.x_modulus in self.x_remainders


class Core(Part):
    """One neuromorphic core: capacities, widths and timing."""

    neurons: Count
    axons: Count
    target_entries: Count
    synapse_words: Count
    word_bits: Count
    axon_header_words: Natural
    """Words of the synapse memory that each axon takes besides its weights."""
    state_words_per_neuron: Natural = 0
    """Words of the synapse memory that each neuron's state and parameters take (pooled memory)."""
    index_bits: Count
    synapse_formats: Annotated[tuple[SynapseFormat, ...], Field(min_length=1)] = ("dense", "sparse", "conv")
    neuron_models: Annotated[tuple[NeuronModel, ...], Field(min_length=1)] = (
        "if", "lif", "cuba_lif", "li", "cuba_li", "ttfs",
    )  # fmt: skip
    weight_bits: Annotated[tuple[Annotated[int, Field(ge=2, le=16)], ...], Field(min_length=1)]
    membrane_bits: Annotated[int, Field(ge=4, le=32)]
    current_bits: Annotated[int, Field(ge=4, le=32)]
    accumulator_bits: Annotated[int, Field(ge=4, le=32)]
    bias_bits: Annotated[int, Field(ge=2, le=32)]
    overflow: Overflow = Overflow()
    max_delay_steps: Annotated[int, Field(ge=1, le=62)] = 1
    """Accumulator banks are this plus one; 1 is the usual double buffer."""
    rx_flits: Count
    tx_flits: Count
    decode_cycles: Natural
    words_per_cycle: Count
    cycles_per_word: Natural = 1
    cycles_per_synapse: Natural = 0
    update_cycles: UpdateCycles
    update_cycles_by_model: dict[NeuronModel, UpdateCycles] = Field(default={})
    spike_cycles: Natural
    target_cycles: Count
    memory_ports: Literal[1, 2] = 2
    """1: synapse pipeline and neuron loop share a port, the pipeline first; 2: one each."""
    receive_during_update: bool = True
    """False: the synapse pipeline waits until the neuron loop of the step is done."""

    def update_cycles_of(self, model: NeuronModel) -> UpdateCycles:
        """Cycles of one update of ``model``."""
        return self.update_cycles_by_model.get(model, self.update_cycles)
