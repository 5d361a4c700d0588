"""The network checker finds what is broken and passes what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim.network.check import check_network
from neurosim.network.connections import Conv, Dense, Pool
from neurosim.network.model import Network, Population, Projection
from neurosim.network.quantise import quantise
from tests.helpers.chips import make_chip
from tests.network.test_quantise import neuron

POOL = Pool((2, 4, 4), (2, 2, 2), (2, 2), (2, 2), (0, 0))
KERNEL = Conv(np.ones((3, 2, 2, 2)), (2, 2, 2), (3, 1, 1), (1, 1), (0, 0), (1, 1), 1)
GOOD = Network(
    "good",
    (
        Population("in", (2, 4, 4), None), Population("a", (3, 1, 1), neuron()),
        Population("b", (2,), neuron()),
    ),
    (Projection("in->a", "in", "a", KERNEL, POOL), Projection("a->b", "a", "b", Dense(np.ones((2, 3))))),
    ("b",), 1e-3, "p",
)  # fmt: skip


def population(name, **changes):
    return replace(
        GOOD, populations=tuple(replace(p, **changes) if p.name == name else p for p in GOOD.populations)
    )


def projection(name, **changes):
    return replace(
        GOOD, projections=tuple(replace(p, **changes) if p.name == name else p for p in GOOD.projections)
    )


def integer(**changes):
    good = quantise(GOOD, make_chip())
    changed = replace(good.population("b").neuron, **changes)
    return replace(good, populations=(*good.populations[:2], replace(good.population("b"), neuron=changed)))


def test_good_networks():
    assert check_network(GOOD) == []
    assert check_network(quantise(GOOD, make_chip())) == []


BROKEN = {
    "double name": (replace(GOOD, populations=(*GOOD.populations, GOOD.populations[1])),
                    "population 'a' is there 2 times"),
    "no target": (projection("a->b", target="c"), "projection 'a->b': there is no target population 'c'"),
    "no output": (replace(GOOD, outputs=("z",)), "output 'z' is not a population"),
    "no outputs": (replace(GOOD, outputs=()), "there is no output population"),
    "axons": (projection("a->b", connection=Dense(np.ones((2, 4)))),
              "projection 'a->b' takes 4 axons, but its source gives 3"),
    "targets": (projection("a->b", connection=Dense(np.ones((4, 3)))),
                "projection 'a->b' reaches 4 neurons, but its target has 2"),
    "NaN": (projection("a->b", connection=Dense(np.full((2, 3), np.nan))),
            "projection 'a->b' has weights that are not finite"),
    "pool": (projection("in->a", pool=replace(POOL, stride=(1, 2))),
             "projection 'in->a': its pool windows overlap: kernel (2, 2), stride (1, 2)"),
    "pool size": (projection("in->a", pool=replace(POOL, padding=(1, 0))),
                  "projection 'in->a': its pool cannot give shape (2, 2, 2) from (2, 4, 4)"),
    "conv groups": (projection("in->a", connection=replace(KERNEL, groups=2)),
                    "projection 'in->a': kernel (3, 2, 2, 2) with 2 groups does not join (2, 2, 2) to (3, 1, 1)"),
    "delay": (projection("a->b", delay_steps=-1), "projection 'a->b' has a negative delay"),
    "threshold": (
        population("a", neuron=neuron(threshold=np.nan)), "population 'a': threshold is not finite"
    ),
    "parameter shape": (population("a", neuron=neuron(threshold=[1.0, 2.0])),
                        "population 'a': threshold has shape (2,), not () or (3,)"),
    "reset": (population("a", neuron=neuron(reset="soft")), "population 'a': unknown reset 'soft'"),
    "silent source": (population("a", neuron=neuron("li", reset="none")),
                      "population 'a' never spikes but is the source of 'a->b'"),
    "dt": (replace(GOOD, dt_s=0.0), "dt_s is 0.0, not a positive number of seconds"),
    "kind": (replace(GOOD, is_integer=True), "population 'a' is float in a network that is integer"),
    "keep": (integer(keep=np.array(5000)), "population 'b': keep lies outside 0..4096"),
    "type": (integer(bias=np.zeros(2)), "population 'b': bias has type float64, not int64"),
    "loop": (replace(GOOD, projections=(*GOOD.projections, Projection("b->a", "b", "a", Dense(np.ones((3, 2))), None, 1))),
             "a loop through projection 'in->a' is faster than one step per hop"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_networks(name):
    network, finding = BROKEN[name]
    found = check_network(network)
    if name == "loop":
        assert len(found) == 1
        assert found[0].endswith("is faster than one step per hop")
    else:
        assert finding in found


def test_weights_out_of_range():
    good = quantise(GOOD, make_chip())
    wide = replace(good.projections[1], connection=Dense(np.full((2, 3), 128, np.int16)))
    found = check_network(replace(good, projections=(good.projections[0], wide)))
    assert found == ["projection 'a->b' has weights outside -128..127 (8 bits)"]
