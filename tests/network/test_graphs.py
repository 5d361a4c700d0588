"""Graphs: several edges, loops, delays, subgraphs, scalar parameters, read-outs, files of the nir package."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from neurosim import store
from neurosim.errors import InputError
from neurosim.network.connections import Dense
from neurosim.network.loops import add_loop_delays, components
from neurosim.network.model import Network, Population, Projection
from neurosim.network.nir_reader import import_nir
from neurosim.network.schedule import schedule
from neurosim.network.simulate import run_float, simulate_float
from tests.network.nir_files import chain, conv, graph, if_neurons, node, write

RNG = np.random.default_rng(8)
IN, OUT = ("in", node("Input", shape=(3,))), ("out", node("Output", shape=(3,)))


def linear(*shape):
    return node("Linear", weight=RNG.normal(size=shape))


def load(tmp_path, top, profile="sinabs-3.1", dt=None):
    return import_nir(write(tmp_path / "net.nir", top), profile, dt)


def spikes(x, weights, threshold=1.0):
    """IF neurons, one spike a step, subtract: the witness for the small nets here. x (steps, n)."""
    v, out = np.zeros(weights.shape[0]), []
    for row in x:
        v = v + weights @ row
        s = (v >= threshold).astype(float)
        v = v - s * threshold
        out.append(s)
    return np.array(out)


def test_two_edges_into_a_population_add_up(tmp_path):
    nodes = {"in": IN[1], "a": linear(3, 3), "b": node("Affine", weight=RNG.normal(size=(3, 3)), bias=np.ones(3) / 8),
             "if": if_neurons(), "out": OUT[1]}  # fmt: skip
    edges = [("in", "a"), ("in", "b"), ("a", "if"), ("b", "if"), ("if", "out")]
    network = load(tmp_path, graph(nodes, edges), "sinabs-3.1-single")
    assert [p.name for p in network.projections] == ["in->if", "in->if#2"]
    x = RNG.integers(0, 2, (1, 30, 3))
    with_bias = np.concatenate([x[0], np.ones((30, 1))], axis=1)
    both = np.concatenate([nodes["a"]["weight"] + nodes["b"]["weight"], np.full((3, 1), 0.125)], axis=1)
    np.testing.assert_array_equal(simulate_float(network, x)["if"][0], spikes(with_bias, both))


def test_a_bias_counts_once_however_many_edges_lead_to_it(tmp_path):
    nodes = {"in": IN[1], "s": node("Scale", scale=2.0 * np.ones(3)), "b": node("Affine", weight=np.eye(3), bias=np.ones(3)),
             "if": if_neurons(), "out": OUT[1]}  # fmt: skip
    network = load(tmp_path, graph(nodes, [("in", "s"), ("in", "b"), ("s", "b"), ("b", "if"), ("if", "out")]))
    assert len(network.projections) == 2
    assert float(network.population("if").bias) == 1.0


def test_delay_is_whole_steps(tmp_path):
    top = chain(IN, ("d", node("Delay", delay=np.array([3e-4]))), ("w", node("Linear", weight=np.eye(3))),
                ("if", if_neurons(r=np.array(1e4))), OUT)  # fmt: skip
    network = load(tmp_path, top, "spikingjelly-2.0")
    assert network.projections[0].delay_steps == 3
    x = RNG.integers(0, 2, (2, 12, 3))
    got = simulate_float(network, x)["if"]
    np.testing.assert_array_equal(got[:, 3:], x[:, :-3])
    assert not got[:, :3].any()
    with pytest.raises(InputError) as caught:
        load(tmp_path, top, "spikingjelly-2.0", 2e-4)
    assert caught.value.text().endswith(
        "node 'd' (Delay): the delay is not a whole number of time steps [nir-bad-delay]\n"
        "  expected: a multiple of dt = 0.0002\n  got: 0.0003, that is 1.5 steps"
    )


def recurrent(inner_edges_with_prefix=False, nested=True):
    inner = {"input": node("Input", shape=(3,)), "lif": if_neurons(), "w_rec": node("Linear", weight=W_REC),
             "output": node("Output", shape=(3,))}  # fmt: skip
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    if nested:
        prefix = "rec." if inner_edges_with_prefix else ""
        inner_graph = graph(inner, [(prefix + a, prefix + b) for a, b in edges])
        nodes = {"in": IN[1], "w": node("Linear", weight=W_IN), "rec": inner_graph, "out": OUT[1]}
        return graph(nodes, [("in", "w"), ("w", "rec"), ("rec", "out")])
    nodes = {"in": IN[1], "w": node("Linear", weight=W_IN), "rec.lif": inner["lif"], "rec.w_rec": inner["w_rec"],
             "out": OUT[1]}  # fmt: skip
    flat = [
        ("in", "w"), ("w", "rec.lif"), ("rec.lif", "rec.w_rec"), ("rec.w_rec", "rec.lif"), ("rec.lif", "out")
    ]
    return graph(nodes, flat)


W_IN, W_REC = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))


@pytest.mark.parametrize("form", ["flat", "nested", "nested with dotted edges"])
def test_recurrent_loop_takes_one_step(tmp_path, form):
    top = recurrent(form.endswith("edges"), form != "flat")
    network = load(tmp_path, top, "sinabs-3.1-single")
    assert [p.name for p in network.populations] == ["in", "rec.lif"]
    assert network.outputs == ("rec.lif",)
    x = RNG.integers(0, 2, (1, 40, 3))
    v, s, wanted = np.zeros(3), np.zeros(3), []
    for row in x[0]:
        v = v + W_IN @ row + W_REC @ s
        s = (v >= 1).astype(float)
        v = v - s
        wanted.append(s)
    assert np.sum(wanted) > 5
    np.testing.assert_array_equal(simulate_float(network, x)["rec.lif"][0], wanted)


def test_loop_of_two_populations_closes_at_the_edge_back(tmp_path):
    nodes = {"in": IN[1], "w": node("Linear", weight=2 * np.eye(3)), "a": if_neurons(), "ab": linear(3, 3), "b": if_neurons(),
             "ba": linear(3, 3), "out": OUT[1]}  # fmt: skip
    edges = [("in", "w"), ("w", "a"), ("a", "ab"), ("ab", "b"), ("b", "ba"), ("ba", "a"), ("b", "out")]
    network = load(tmp_path, graph(nodes, edges))
    assert {p.name: p.delay_steps for p in network.projections} == {"in->a": 0, "b->a": 1, "a->b": 0}
    assert components(network) == (("a", "b"),)
    with pytest.raises(InputError, match="network-fast-loop"):
        schedule(network)


def test_a_delay_in_a_loop_is_taken_as_it_is(tmp_path):
    nodes = {"in": IN[1], "w": node("Linear", weight=np.eye(3)), "a": if_neurons(r=np.array(1e4)),
             "d": node("Delay", delay=np.array(2e-4)), "r": linear(3, 3), "out": OUT[1]}  # fmt: skip
    edges = [("in", "w"), ("w", "a"), ("a", "d"), ("d", "r"), ("r", "a"), ("a", "out")]
    network = load(tmp_path, graph(nodes, edges), "spikingjelly-2.0")
    assert {p.name: p.delay_steps for p in network.projections} == {"in->a": 0, "a->a": 2}
    assert network.warnings == ()


def test_schedule_is_the_longest_path():
    names = ("in", "a", "b", "c")
    populations = tuple(Population(n, (1,), None) for n in names)
    one = Dense(np.ones((1, 1)))
    edges = [("in", "a", 0), ("a", "b", 0), ("in", "b", 0), ("b", "c", 0), ("a", "c", 3), ("c", "c", 1)]
    network = Network("n", populations, tuple(Projection(f"{a}{b}", a, b, one, None, d) for a, b, d in edges),
                      ("c",), 1.0, "p")  # fmt: skip
    plan = schedule(network)
    assert plan.start_step == {"in": 0, "a": 1, "b": 2, "c": 3}
    assert plan.hardware_delay == {"ina": 1, "ab": 1, "inb": 2, "bc": 1, "ac": 5, "cc": 1}
    assert plan.depth == 3


def test_skip_over_a_loop_is_not_closed_by_name_order():
    populations = tuple(Population(n, (1,), None) for n in ("in", "a", "b"))
    one = Dense(np.ones((1, 1)))
    edges = [("b", "a"), ("a", "b"), ("in", "a")]
    network = Network(
        "n", populations, tuple(Projection(f"{a}{b}", a, b, one) for a, b in edges), ("b",), 1.0, "p"
    )
    network = replace(network, populations=(populations[0], *populations[:0:-1]))
    closed, _ = add_loop_delays(network)
    delays = {p.name: p.delay_steps for p in closed.projections}
    assert sorted(delays.values()) == [0, 0, 1]
    assert delays["inb" if "inb" in delays else "ina"] == 0


def test_several_inputs_lie_one_after_the_other(tmp_path):
    nodes = {"in2": node("Input", shape=(2,)), "in10": node("Input", shape=(1,)), "a": node("Linear", weight=np.eye(3)[:, :2]),
             "b": node("Linear", weight=np.eye(3)[:, 2:]), "if": if_neurons(), "out": OUT[1]}  # fmt: skip
    edges = [("in2", "a"), ("in10", "b"), ("a", "if"), ("b", "if"), ("if", "out")]
    network = load(tmp_path, graph(nodes, edges))
    assert [p.name for p in network.inputs] == ["in2", "in10"]
    x = RNG.integers(0, 3, (2, 5, 3))
    np.testing.assert_array_equal(simulate_float(network, x)["if"], x)


def test_threshold_node_has_no_memory(tmp_path):
    top = chain(
        IN, ("w", node("Linear", weight=np.eye(3))), ("t", node("Threshold", threshold=np.full(3, 1.0))), OUT
    )
    network = load(tmp_path, top, "nir-euler", 1e-3)
    x = RNG.integers(0, 4, (2, 9, 3))
    np.testing.assert_array_equal(simulate_float(network, x)["t"], x > 1)


def test_read_outs_give_their_membrane(tmp_path):
    nodes = {"in": IN[1], "w": linear(4, 3), "li": node("LI", tau=np.full(4, 5e-3), r=np.full(4, 2.0), v_leak=np.zeros(4)),
             "out": node("Output", shape=(4,))}  # fmt: skip
    network = load(tmp_path, chain(*nodes.items()), "nir-euler", 1e-3)
    x = RNG.integers(0, 2, (2, 7, 3))
    run = run_float(network, x)
    v = np.zeros((2, 4))
    for step in range(7):
        v = v + 0.2 * (2 * x[:, step] @ nodes["w"]["weight"].T - v)
    np.testing.assert_allclose(run.membrane["li"], v, atol=1e-12)
    assert not run.counts["li"].any()


def test_cuba_read_out_and_integrator(tmp_path):
    cuba = node("CubaLI", tau_syn=np.array(4e-3), tau_mem=np.array(5e-3), r=np.array(1.0), v_leak=np.array(0.0),
                w_in=np.array(8.0))  # fmt: skip
    nodes = {"in": IN[1], "w": linear(3, 3), "c": cuba, "i": node("I", r=np.array(3.0)), "out": OUT[1],
             "out2": node("Output", shape=(3,))}  # fmt: skip
    edges = [("in", "w"), ("w", "c"), ("w", "i"), ("c", "out"), ("i", "out2")]
    network = load(tmp_path, graph(nodes, edges), "nir-euler", 1e-3)
    assert network.outputs == ("c", "i")
    assert network.warnings == ("node 'i' (I): r is 3, neither 1 nor 1/dt (1000); check dt and profile",)
    x = RNG.integers(0, 2, (1, 6, 3))
    drive = x[0] @ nodes["w"]["weight"].T
    i, v = np.zeros(3), np.zeros(3)
    for row in drive:
        i = i + 0.25 * (8 * row - i)
        v = v + 0.2 * (i - v)
    membrane = run_float(network, x).membrane
    np.testing.assert_allclose(membrane["c"][0], v, atol=1e-12)
    np.testing.assert_allclose(membrane["i"][0], 3e-3 * drive.sum(axis=0), atol=1e-12)


def test_flatten_of_some_dimensions_only_renames(tmp_path):
    shape = (2, 3, 4)
    top = chain(("in", node("Input", shape=shape)), ("f", node("Flatten", start_dim=1, end_dim=2)), ("if", if_neurons()),
                ("g", node("Flatten", start_dim=0, end_dim=-1)), (
                    "out", node("Output", shape=(24,))
                ))  # fmt: skip
    network = load(tmp_path, top)
    assert network.population("if").shape == (2, 12)
    x = RNG.integers(0, 3, (1, 4, *shape))
    np.testing.assert_array_equal(simulate_float(network, x)["if"].ravel(), x.ravel())


def test_parameters_per_channel_and_per_neuron(tmp_path):
    threshold = np.array([1.0, 2.0]).reshape(2, 1, 1)
    top = chain(("in", node("Input", shape=(1, 4, 4))), ("c", conv(np.ones((2, 1, 1, 1)))),
                ("if", if_neurons(v_threshold=threshold)), ("out", node("Output")))  # fmt: skip
    network = load(tmp_path, top)
    x = np.full((1, 2, 1, 4, 4), 1)
    counts = simulate_float(network, x)["if"][0]
    assert counts[:, 0].tolist() == np.ones((2, 4, 4)).tolist()
    assert counts[:, 1, 0, 0].tolist() == [0, 1]


def test_files_of_the_nir_package(tmp_path):
    import nir

    weight = RNG.normal(size=(2, 1, 3, 5)).astype(np.float32)
    nodes = {
        "input": nir.Input(np.array([2, 10, 20])),
        "conv": nir.Conv2d((10, 20), weight, (1, 2), (1, 2), (1, 1), 2, np.ones(2, np.float32)),
        "sub": nir.NIRGraph(
            {"input": nir.Input(np.array([2, 10, 10])), "if": nir.IF(np.ones((2, 10, 10)), np.ones((2, 10, 10))),
             "output": nir.Output(np.array([2, 10, 10]))}, [("input", "if"), ("if", "output")]),
        "pool": nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "flat": nir.Flatten({"input": np.array([2, 5, 5])}, 0, -1),
        "fc": nir.Linear(RNG.normal(size=(3, 50))),
        "lif": nir.LIF(np.full(3, 0.01), np.ones(3), np.zeros(3), np.ones(3)),
        "output": nir.Output(np.array([3])),
    }  # fmt: skip
    names = list(nodes)
    file = tmp_path / "package.nir"
    top = nir.NIRGraph(nodes, list(pairwise(names)), type_check=False)
    nir.write(file, top)
    network = import_nir(file, "nir-euler", 1e-3)
    assert [p.name for p in network.populations] == ["input", "sub.if", "lif"]
    assert [p.name for p in network.projections] == ["input->sub.if", "sub.if->lif"]
    assert network.population("sub.if").shape == (2, 10, 10)
    assert network.name == "package"
    np.testing.assert_array_equal(network.projections[0].connection.weight, weight)


def test_importing_twice_gives_the_same_digest(tmp_path):
    top = recurrent()
    first, second = load(tmp_path, top), load(tmp_path, top)
    assert store.digest(first) == store.digest(second)
    store.save(first, tmp_path / "net.npz")
    assert store.digest(store.load(tmp_path / "net.npz", Network)) == store.digest(first)


def test_unused_linear_node_is_reported(tmp_path):
    nodes = {"in": IN[1], "if": if_neurons(), "w": linear(2, 3), "out": OUT[1]}
    network = load(tmp_path, graph(nodes, [("in", "if"), ("if", "out"), ("if", "w")]))
    assert network.warnings == ("node 'w' (Linear) leads nowhere and is left out",)
