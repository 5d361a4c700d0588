"""Legality before any search: what a chip cannot do at all is refused here, by name.

Reads an integer network and a chip; returns the network in the form that the partitioners take: every
population that a convolution feeds has the convolution's own (C, H, W) shape, and fan-ins beyond the axon
limit are split (:mod:`mapper.split`).
"""

from __future__ import annotations

import dataclasses

from mapper import capacity
from mapper.relays import add_relays
from mapper.split import Spikes, split_fan_in
from neurosim.chip.models import Chip
from neurosim.errors import DoesNotFitError, InputError, did_you_mean
from neurosim.network.connections import Conv
from neurosim.network.model import IntNeuron, Network, Population, as_chw
from neurosim.network.schedule import schedule


def legalise(network: Network, chip: Chip, spikes: Spikes) -> tuple[Network, Spikes]:
    """The network as it will be mapped, and its expected spikes (see :func:`mapper.options.spikes_of`).

    Raises:
        InputError: not an integer network, widths or models that the chip does not have, no host.
        DoesNotFitError: a delay or a synapse format that the chip cannot hold.
    """
    _check_integer(network, chip)
    _check_host(network, chip)
    network = _shape_as_convolved(network)
    for population in network.populations:
        _check_model(population, chip)
    _check_formats(network, chip)
    network, spikes = split_fan_in(network, chip, spikes)
    network, spikes = add_relays(network, chip, spikes)
    _check_delays(network, chip)
    return network, spikes


def _check_integer(network: Network, chip: Chip) -> None:
    if not network.is_integer or network.weight_bits is None:
        raise InputError(
            "only a quantised network can be mapped",
            code="map-float-network",
            where=network.name,
            hint="quantise it for the chip first",
        )
    if network.weight_bits not in chip.core.weight_bits:
        widths = ", ".join(str(b) for b in chip.core.weight_bits)
        raise InputError(
            "the network's weights have a width that the chip does not have",
            code="map-weight-bits",
            where=network.name,
            expected=f"{widths} bits ({chip.name})",
            got=f"{network.weight_bits} bits",
            hint="quantise it for this chip",
        )
    if any(p.graded for p in network.projections):
        raise InputError(
            "projections that carry partial sums cannot be mapped",
            code="map-graded",
            where=network.name,
        )


def _check_host(network: Network, chip: Chip) -> None:
    if chip.host is None:
        raise InputError(
            f"chip '{chip.name}' has no host, so nothing can enter or leave",
            code="map-no-host",
            where="host",
            hint="add a 'host' section to the chip description",
        )
    names = [p.name for p in network.populations]
    for name in network.outputs:
        if name not in names:
            raise InputError(
                f"output '{name}' is not a population of the network",
                code="map-output",
                where=network.name,
                hint=did_you_mean(name, names),
            )
        if network.population(name).is_input:
            raise InputError(
                f"output '{name}' is an input: there is nothing to map between them",
                code="map-output",
                where=network.name,
            )


def _check_model(population: Population, chip: Chip) -> None:
    neuron = population.neuron
    if neuron is None:
        return
    if not isinstance(neuron, IntNeuron):
        raise InputError(
            "a population is not quantised",
            code="map-float-network",
            where=population.name,
            hint="quantise the network for the chip first",
        )
    if neuron.model not in chip.core.neuron_models:
        raise InputError(
            f"chip '{chip.name}' has no neuron model '{neuron.model}'",
            code="map-neuron-model",
            where=population.name,
            expected="one of " + ", ".join(chip.core.neuron_models),
            got=neuron.model,
        )


def _check_formats(network: Network, chip: Chip) -> None:
    for projection in network.projections:
        if not capacity.legal_formats(chip.core, projection):
            raise DoesNotFitError(
                f"no synapse format of chip '{chip.name}' can hold projection '{projection.name}'",
                code="map-no-format",
                where=projection.target,
                expected="dense or sparse among core.synapse_formats",
                got=", ".join(chip.core.synapse_formats),
            )


def _check_delays(network: Network, chip: Chip) -> None:
    delays = schedule(network).hardware_delay
    limit = chip.core.max_delay_steps
    for projection in network.projections:
        delay = delays[projection.name]
        if delay > limit:
            raise DoesNotFitError(
                f"projection '{projection.name}' from '{projection.source}' to '{projection.target}' "
                f"takes {delay} hardware steps",
                code="map-delay",
                where=network.name,
                expected=f"at most {limit} (core.max_delay_steps of '{chip.name}')",
                got=str(delay),
                hint="skipped layers and Delay nodes cost steps: use a chip with more delay steps, "
                "or pass the spikes on through the layers between",
            )


def _shape_as_convolved(network: Network) -> Network:
    """Give flattened populations the shape of the convolution that feeds them (same numbering)."""
    populations = []
    for population in network.populations:
        shapes = sorted(
            {p.connection.out_shape for p in network.into(population.name) if isinstance(p.connection, Conv)}
        )
        if len(shapes) > 1:
            raise InputError(
                f"convolutions into '{population.name}' disagree on its shape",
                code="map-shape",
                where=population.name,
                expected=str(shapes[0]),
                got=str(shapes[1]),
            )
        if shapes and as_chw(population.shape) != shapes[0]:
            population = dataclasses.replace(population, shape=shapes[0])
        populations.append(population)
    if all(new is old for new, old in zip(populations, network.populations, strict=True)):
        return network
    return dataclasses.replace(network, populations=tuple(populations))
