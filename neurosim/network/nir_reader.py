"""Imports a NIR file: reads it, infers shapes, folds linear chains, applies a neuron profile.

In: a ``.nir`` file and the name of a neuron profile.  Out: a float :class:`Network` with one population
per neuron node (under the node's name) and one projection per chain of linear nodes between two of them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path as FilePath

import numpy as np

from neurosim.errors import InputError
from neurosim.network.loops import add_loop_delays, in_running_order
from neurosim.network.model import FloatNeuron, Network, Population, Projection
from neurosim.network.nir_file import NEURON_KINDS, Graph, Node, natural, read_graph
from neurosim.network.nir_linear import LinearPart, Path, is_identity
from neurosim.network.nir_shapes import Shapes, infer_shapes, per_neuron
from neurosim.network.profiles import Profile, get_profile, neuron_of, profile_names

_DEFAULTS = {"v_reset": 0.0, "w_in": 1.0, "v_leak": 0.0}
_PARAMETERS = {
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "w_in", "v_threshold", "v_reset"),
    "I": ("r",),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "Threshold": ("threshold",),
}
_CLOSE = 1e-6  # relative; float32 files carry time constants to about 1e-7


def import_nir(path: str | FilePath, profile: str, dt_s: float | None = None) -> Network:
    """The network in NIR file ``path`` as ``profile`` (see :func:`profile_names`) means it.

    Args:
        path: the file.
        profile: name of a neuron profile; "" is refused with the list of profiles.
        dt_s: time step in seconds; None takes the profile's default.

    Raises:
        InputError: the file, the profile or dt is not usable; the text names the node.
    """
    rules = get_profile(profile)
    dt_s = _time_step(rules, dt_s)
    file = FilePath(path)
    graph = read_graph(file)
    _check_ends(graph)
    shapes = infer_shapes(graph)
    reader = _Importer(graph, shapes, rules, dt_s)
    return reader.network(file.stem)


class _Importer:
    """One import; ``warnings`` collects what the user should look at."""

    def __init__(self, graph: Graph, shapes: Shapes, profile: Profile, dt_s: float) -> None:
        self.graph, self.shapes, self.profile, self.dt_s = graph, shapes, profile, dt_s
        self.dt = profile.dt_in_unit(dt_s)
        self.linear = LinearPart(graph, shapes)
        self.warnings: list[str] = []

    def network(self, name: str) -> Network:
        names = sorted(self.graph.nodes, key=natural)
        inputs = [n for n in names if self.graph.nodes[n].kind == "Input"]
        neurons = [n for n in names if self.graph.nodes[n].kind in NEURON_KINDS]
        projections = self._projections(neurons)
        populations = [Population(n, self.shapes.out[n], None) for n in inputs]
        for node in neurons:
            has_loop = any(p.source == p.target == node for p in projections)
            populations.append(self._population(self.graph.nodes[node], has_loop))
        outputs = self._outputs()
        self._refuse_graded(populations, projections)
        network = Network(
            name=name,
            populations=tuple(populations),
            projections=tuple(projections),
            outputs=outputs,
            dt_s=self.dt_s,
            profile=self.profile.name,
        )
        network, loop_warnings = add_loop_delays(network)
        network = in_running_order(network)
        return replace(network, warnings=(*self.warnings, *self._unused(), *loop_warnings))

    def _projections(self, neurons: list[str]) -> list[Projection]:
        found: list[Projection] = []
        names: dict[str, int] = {}
        for target in neurons:
            for path in self.linear.paths_into(target):
                base = f"{path.source}->{target}"
                names[base] = names.get(base, 0) + 1
                name = base if names[base] == 1 else f"{base}#{names[base]}"
                steps = self._steps(path)
                found.append(Projection(name, path.source, target, path.connection, path.pool, steps))
                self._warn_average(path, target)
        return found

    def _population(self, node: Node, has_loop: bool) -> Population:
        if node.kind not in self.profile.nodes:
            able = [n for n in profile_names() if node.kind in get_profile(n).nodes]
            raise InputError(
                f"profile '{self.profile.name}' does not say what {node} means", code="profile-node",
                where=self.graph.where, expected="one of " + ", ".join(self.profile.nodes),
                hint="profiles that do: " + ", ".join(able),
            )  # fmt: skip
        shape = self.shapes.out[node.name]
        keys = _PARAMETERS[node.kind]
        values = {k: per_neuron(self.graph, node, k, shape, _DEFAULTS.get(k)) for k in keys}
        for key in (k for k in keys if k.startswith("tau")):
            self._check_tau(node, key, values[key])
        neuron = neuron_of(self.profile, node.kind, values, self.dt, has_loop)
        self._check_constants(node, neuron, values)
        return Population(node.name, shape, neuron, self.linear.bias_of(node.name))

    def _check_tau(self, node: Node, key: str, tau: np.ndarray) -> None:
        low, high, dt = float(tau.min()), float(tau.max()), self.dt
        unit = "s" if self.profile.time_unit == "s" else "steps"
        if low <= 0 or (self.profile.decay == "euler" and low < dt * (1 - _CLOSE)):
            raise InputError(
                f"{node}: '{key}' is shorter than a time step", code="nir-short-tau", where=self.graph.where,
                expected=f"at least dt = {dt:g} {unit}", got=f"{low:g} {unit}",
                hint="check the time step, and the unit of the file's time constants",
            )  # fmt: skip
        if low < 2 * dt * (1 - _CLOSE):
            limit = f"below 2 dt ({2 * dt:g} {unit})"
            self.warnings.append(f"{node}: '{key}' {low:g} {unit} is {limit}; check the unit")
        if unit == "s" and high > 1:
            self.warnings.append(f"{node}: '{key}' {high:g} s is above 1 s; check the unit")

    def _check_constants(self, node: Node, neuron: FloatNeuron, values: dict[str, np.ndarray]) -> None:
        if node.kind in ("IF", "I"):
            for r in (float(values["r"].min()), float(values["r"].max())):
                usual = (1.0, 1.0 / self.dt_s)
                if all(abs(r - u) > _CLOSE * u for u in usual):
                    text = f"r is {r:g}, neither 1 nor 1/dt ({usual[1]:g}); check dt and profile"
                    self.warnings.append(f"{node}: {text}")
                    break
        if "v_leak" in values and values["v_leak"].any():
            self.warnings.append(f"{node}: v_leak is not 0; frameworks differ in what they do with it")
        ignores = neuron.reset.startswith("subtract") or neuron.reset == "zero_with_input"
        if ignores and "v_reset" in values and values["v_reset"].any():
            self.warnings.append(f"{node}: v_reset is not 0; profile '{self.profile.name}' does not use it")
        if (neuron.gain <= 0).any() or (neuron.syn_gain <= 0).any():
            raise InputError(
                f"{node}: the input gain is not positive", code="nir-bad-parameter", where=self.graph.where,
                expected="r (and w_in) above 0",
            )  # fmt: skip
        if neuron.reset == "subtract_multi" and (neuron.threshold <= 0).any():
            raise InputError(
                f"{node}: several spikes a step need a threshold above 0", code="nir-bad-parameter",
                where=self.graph.where, got=f"{float(neuron.threshold.min()):g}",
            )  # fmt: skip

    def _warn_average(self, path: Path, target: str) -> None:
        for name in path.nodes:
            if self.graph.nodes[name].kind == "AvgPool2d":
                edge = f"'{path.source}->{target}'"
                self.warnings.append(
                    f"{self.graph.nodes[name]}: the average is folded into the weights of {edge}"
                )

    def _steps(self, path: Path) -> int:
        steps = path.delay / self.dt
        if abs(steps - round(steps)) > _CLOSE * max(1.0, steps):
            delays = [n for n in path.nodes if self.graph.nodes[n].kind == "Delay"]
            raise InputError(
                f"{self.graph.nodes[delays[0]]}: the delay is not a whole number of time steps",
                code="nir-bad-delay", where=self.graph.where, expected=f"a multiple of dt = {self.dt:g}",
                got=f"{path.delay:g}, that is {steps:g} steps",
            )  # fmt: skip
        return round(steps)

    def _outputs(self) -> tuple[str, ...]:
        found: list[str] = []
        for name in sorted(self.graph.nodes, key=natural):
            if self.graph.nodes[name].kind == "Output":
                for source in self._populations_behind(name, name):
                    if source not in found:
                        found.append(source)
        return tuple(found)

    def _populations_behind(self, node: str, output: str) -> list[str]:
        found = []
        for source in self.graph.into(node):
            origin = self.graph.nodes[source]
            if is_identity(origin):
                found += self._populations_behind(source, output)
            elif origin.kind in NEURON_KINDS:
                found.append(source)
            else:
                raise InputError(
                    f"{self.graph.nodes[output]} is fed by {origin}, not by neurons",
                    code="nir-output-not-neurons",
                    where=self.graph.where, expected="a neuron node before every Output",
                    hint="put an LI, I or spiking node between them, or move the Output up",
                )  # fmt: skip
        return found

    def _refuse_graded(self, populations: list[Population], projections: list[Projection]) -> None:
        neurons = {p.name: p.neuron for p in populations}
        for projection in projections:
            neuron = neurons[projection.source]
            if isinstance(neuron, FloatNeuron) and neuron.reset == "none":
                raise InputError(
                    f"{self.graph.nodes[projection.source]} never spikes, but feeds "
                    f"{self.graph.nodes[projection.target]}", code="nir-silent-source",
                    where=self.graph.where,
                    expected="I, LI and CubaLI only before an Output",
                )  # fmt: skip

    def _unused(self) -> list[str]:
        return [
            f"{self.graph.nodes[n]} leads nowhere and is left out"
            for n in sorted(self.graph.nodes, key=natural)
            if self.graph.nodes[n].kind not in (*NEURON_KINDS, "Input", "Output") and not self.graph.out_of(n)
        ]


def _time_step(profile: Profile, dt_s: float | None) -> float:
    dt_s = profile.default_dt_s if dt_s is None else dt_s
    if dt_s is None:
        raise InputError(
            f"profile '{profile.name}' has no time step of its own", code="profile-dt",
            expected="a time step in seconds (option dt)",
        )  # fmt: skip
    if not (math.isfinite(dt_s) and dt_s > 0):
        raise InputError(
            "the time step is not positive", code="profile-dt", expected="seconds above 0", got=f"{dt_s:g}"
        )
    return dt_s


def _check_ends(graph: Graph) -> None:
    for kind in ("Input", "Output"):
        if not any(node.kind == kind for node in graph.nodes.values()):
            raise InputError(
                f"the graph has no {kind} node", code=f"nir-no-{kind.lower()}", where=graph.where
            )
    for name in sorted(graph.nodes, key=natural):
        node = graph.nodes[name]
        if node.kind == "Output" and not graph.into(name):
            raise InputError(f"nothing feeds {node}", code="nir-unreachable", where=graph.where)
        if node.kind == "Input" and graph.into(name):
            raise InputError(f"an edge leads into {node}", code="nir-edge-into-input", where=graph.where)
        if node.kind == "Output" and graph.out_of(name):
            raise InputError(f"an edge leads out of {node}", code="nir-edge-out-of-output", where=graph.where)


