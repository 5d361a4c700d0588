"""Checks a network on its own, whoever made it: names, shapes, numbers, widths, loops.

Reads a :class:`Network`; writes a list of findings, empty if all is well.  Shares no code with the
importers and the quantiser.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.network.connections import Conv, Pool, Sparse
from neurosim.network.model import FloatNeuron, IntNeuron, Network, Population, Projection, as_chw
from neurosim.network.schedule import schedule

MODELS = ("if", "lif", "cuba_lif", "li", "cuba_li", "ttfs")
MOST_STEPS = (1 << 15) - 1  # of a sample, as far as steps of one neuron are concerned
RESETS = (
    "value", "subtract", "subtract_delayed", "subtract_same_time", "zero_with_input", "subtract_multi",
    "none", "once",
)  # fmt: skip


def check_network(network: Network) -> list[str]:
    """What is wrong with ``network``, one sentence each, in order of appearance."""
    found = _check_names(network)
    if found:
        return found  # the rest would stumble over them
    for population in network.populations:
        found += _check_population(network, population)
    for projection in network.projections:
        found += _check_projection(network, projection)
    if not (math.isfinite(network.dt_s) and network.dt_s > 0):
        found.append(f"dt_s is {network.dt_s}, not a positive number of seconds")
    if not found:
        found += _check_schedule(network)
    return found


def _check_names(network: Network) -> list[str]:
    found = []
    for what, names in (
        ("population", [p.name for p in network.populations]),
        ("projection", [p.name for p in network.projections]),
    ):
        found += [
            f"{what} '{n}' is there {names.count(n)} times" for n in sorted(set(names)) if names.count(n) > 1
        ]
    known = {p.name for p in network.populations}
    for projection in network.projections:
        for side, name in (("source", projection.source), ("target", projection.target)):
            if name not in known:
                found.append(f"projection '{projection.name}': there is no {side} population '{name}'")
    found += [f"output '{name}' is not a population" for name in network.outputs if name not in known]
    if not network.inputs and not any(_runs_by_itself(p) for p in network.populations):
        found.append("there is no input population, and no bias or first membrane that could start a spike")
    if not network.outputs and network.inputs:
        found.append("there is no output population")
    return found


def _runs_by_itself(population: Population) -> bool:
    neuron = population.neuron
    if neuron is None:
        return False
    own = [neuron.bias] if isinstance(neuron, IntNeuron) else [population.bias, neuron.offset]
    return any(bool(np.any(values)) for values in (*own, neuron.v_initial))


def _check_population(network: Network, population: Population) -> list[str]:
    name, neuron = population.name, population.neuron
    if min(population.shape, default=0) < 1:
        return [f"population '{name}': shape {population.shape} has no neurons"]
    if neuron is None:
        fed = [p.name for p in network.into(name)]
        return [f"input population '{name}' is the target of '{fed[0]}'"] if fed else []
    if isinstance(neuron, IntNeuron) != network.is_integer:
        kinds = ("float", "integer")
        own, others = kinds[not network.is_integer], kinds[network.is_integer]
        return [f"population '{name}' is {own} in a network that is {others}"]
    found = []
    if neuron.model not in MODELS:
        found.append(f"population '{name}': unknown model '{neuron.model}'")
    if neuron.reset not in RESETS:
        found.append(f"population '{name}': unknown reset '{neuron.reset}'")
    if neuron.reset == "none" and network.out_of(name):
        found.append(
            f"population '{name}' never spikes but is the source of '{network.out_of(name)[0].name}'"
        )
    shapes = _check_parameters(population)
    return found + shapes + ([] if shapes else _check_once(population))


def _check_once(population: Population) -> list[str]:
    """A first-spike neuron is model, reset and ramp together, or none of the three."""
    neuron, where = population.neuron, f"population '{population.name}'"
    assert neuron is not None
    ramp = neuron.ramp
    found = []
    if not (neuron.model == "ttfs") == (neuron.reset == "once") == (ramp is not None):
        found.append(
            f"{where}: model '{neuron.model}', reset '{neuron.reset}' and {'a' if ramp else 'no'} ramp do "
            "not belong together; a first-spike neuron has model 'ttfs', reset 'once' and a ramp"
        )
    if ramp is None:
        return found
    for name, steps in (("input_steps", ramp.input_steps), ("silent_steps", ramp.silent_steps)):
        if not 0 <= steps <= MOST_STEPS:
            found.append(f"{where}: {name} is {steps}, not 0..{MOST_STEPS}")
    if (ramp.per_step < 0).any():
        rise = -float(np.min(ramp.per_step))
        found.append(f"{where}: its threshold rises by {rise:g} a step, it must fall or stay")
    if (ramp.floor > neuron.threshold).any():
        found.append(f"{where}: the floor of its threshold lies above its start")
    return found


def _check_parameters(population: Population) -> list[str]:
    neuron, found = population.neuron, []
    assert neuron is not None
    arrays = {key: value for key, value in vars(neuron).items() if isinstance(value, np.ndarray)}
    arrays["population bias"] = population.bias
    if neuron.ramp is not None:
        arrays |= {"ramp": neuron.ramp.per_step, "ramp floor": neuron.ramp.floor}
    for key, values in arrays.items():
        if values.shape not in ((), (population.n,)):
            found.append(
                f"population '{population.name}': {key} has shape {values.shape}, not () or ({population.n},)"
            )
        if isinstance(neuron, FloatNeuron):
            allowed = key in ("threshold", "v_min")
            if np.isnan(values).any() or (not allowed and np.isinf(values).any()):
                found.append(f"population '{population.name}': {key} is not finite")
        elif key != "population bias" and values.dtype != np.int64:
            found.append(f"population '{population.name}': {key} has type {values.dtype}, not int64")
        elif key in ("keep", "current_keep") and ((values < 0) | (values > 4096)).any():
            found.append(f"population '{population.name}': {key} lies outside 0..4096")
    shift = neuron.input_shift if isinstance(neuron, IntNeuron) else neuron.fraction_bits
    if shift is not None and not 0 <= shift <= 31:
        name = "input_shift" if isinstance(neuron, IntNeuron) else "fraction_bits"
        found.append(f"population '{population.name}': {name} is {shift}")
    return found


def _check_projection(network: Network, projection: Projection) -> list[str]:
    name, connection = projection.name, projection.connection
    source, target = network.population(projection.source), network.population(projection.target)
    found = []
    n_axons = source.n
    if projection.pool is not None:
        found += [f"projection '{name}': {text}" for text in _check_pool(projection.pool, source)]
        n_axons = math.prod(projection.pool.out_shape)
    if connection.n_in != n_axons:
        found.append(f"projection '{name}' takes {connection.n_in} axons, but its source gives {n_axons}")
    if connection.n_out != target.n:
        found.append(f"projection '{name}' reaches {connection.n_out} neurons, but its target has {target.n}")
    if isinstance(connection, Conv):
        found += [f"projection '{name}': {text}" for text in _check_conv(connection)]
    if isinstance(connection, Sparse):
        found += [f"projection '{name}': {text}" for text in _check_sparse(connection)]
    if projection.delay_steps < 0:
        found.append(f"projection '{name}' has a negative delay")
    return found + _check_weights(network, projection)


def _check_pool(pool: Pool, source: Population) -> list[str]:
    found = []
    if math.prod(pool.in_shape) != source.n or pool.in_shape != as_chw(source.shape):
        found.append(f"its pool takes shape {pool.in_shape}, but its source has {as_chw(source.shape)}")
    if pool.in_shape[0] != pool.out_shape[0]:
        found.append("its pool changes the number of channels")
    for axis in (0, 1):
        room = pool.in_shape[1 + axis] + 2 * pool.padding[axis] - pool.kernel[axis]
        if pool.stride[axis] < pool.kernel[axis] or pool.kernel[axis] < 1:
            found.append(f"its pool windows overlap: kernel {pool.kernel}, stride {pool.stride}")
        elif pool.out_shape[1 + axis] != room // pool.stride[axis] + 1:
            found.append(f"its pool cannot give shape {pool.out_shape} from {pool.in_shape}")
    return found


def _check_conv(conv: Conv) -> list[str]:
    found = []
    co, ci = conv.weight.shape[:2]
    if conv.groups < 1 or co % conv.groups or ci * conv.groups != conv.in_shape[0] or co != conv.out_shape[0]:
        kernel = f"kernel {conv.weight.shape} with {conv.groups} groups"
        found.append(f"{kernel} does not join {conv.in_shape} to {conv.out_shape}")
    for axis in (0, 1):
        if min(conv.stride[axis], conv.dilation[axis]) < 1 or conv.padding[axis] < 0:
            found.append("stride, dilation or padding is out of range")
            continue
        last = (conv.out_shape[1 + axis] - 1) * conv.stride[axis] - conv.padding[axis]
        if last >= conv.in_shape[1 + axis]:
            found.append(f"its last window begins at {last}, outside the input of {conv.in_shape[1 + axis]}")
    return found


def _check_sparse(connection: Sparse) -> list[str]:
    pointer, target = connection.pointer, connection.target
    n = connection.weight.size
    if pointer.dtype != np.int64 or pointer[0] != 0 or pointer[-1] != n or (np.diff(pointer) < 0).any():
        return [f"its pointers do not ascend from 0 to its {n} synapses"]
    if target.shape != (n,) or connection.weight.shape != (n,) or target.dtype.kind not in "iu":
        return [f"its targets {target.shape} and weights {connection.weight.shape} do not belong together"]
    if n and (int(target.min()) < 0 or int(target.max()) >= connection.n_out):
        return [f"it has targets outside 0..{connection.n_out - 1}"]
    first = np.zeros(n, np.bool_)
    first[pointer[:-1][np.diff(pointer) > 0]] = True
    if (~first[1:] & (target[1:] <= target[:-1])).any():
        return ["the targets of an axon do not ascend, or one is there twice"]
    return []


def _check_weights(network: Network, projection: Projection) -> list[str]:
    weight, name = projection.connection.weight, projection.name
    if not network.is_integer:
        return [] if np.isfinite(weight).all() else [f"projection '{name}' has weights that are not finite"]
    if weight.dtype.kind != "i":
        return [f"projection '{name}' has weights of type {weight.dtype} in an integer network"]
    if network.weight_bits is None:
        return ["the network does not say how wide its weights are"]
    low, high = -(1 << (network.weight_bits - 1)), (1 << (network.weight_bits - 1)) - 1
    if weight.size and (int(weight.min()) < low or int(weight.max()) > high):
        return [f"projection '{name}' has weights outside {low}..{high} ({network.weight_bits} bits)"]
    return []


def _check_schedule(network: Network) -> list[str]:
    try:
        plan = schedule(network)
    except NeurosimError as error:
        return [error.what]
    return [
        f"projection '{p.name}' would take {plan.hardware_delay[p.name]} hardware steps"
        for p in network.projections
        if plan.hardware_delay[p.name] < 1
    ]
