"""The five mistakes that a mapper meets most, each with its whole text: what is wrong and what would help."""

from __future__ import annotations

import pytest

from mapper import MapOptions, compile_network
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.errors import NeurosimError
from neurosim.network.connections import Dense
from tests.mapper.nets import dense_net, network, neuron, weights

QUICK = MapOptions(effort=0.1)
TINY = load_chip("tiny")


def _text(act) -> str:
    with pytest.raises(NeurosimError) as caught:
        act()
    return str(caught.value)


def test_too_few_cores():
    chip = edit_chip(TINY, {"mesh.width": 2, "mesh.height": 2, "core.neurons": 8})
    assert _text(lambda: compile_network(dense_net(4, 40, 4), chip, QUICK)) == (
        "net: the network needs more cores than chip 'tiny' has; the largest layer is 'fc1' [map-does-not-fit]\n"
        "  expected: at most 4 cores\n"
        "  got: 6 (proven minimum)\n"
        "  hint: it would fit with a mesh of 3x3 tiles, or with 11 neurons per core"
    )


def test_a_fan_in_that_cannot_be_split():
    net = network(
        [("in", (4,), None), ("r", (30,), neuron())],
        [("in", "r", Dense(weights(0, 30, 4)), None, 0), ("r", "r", Dense(weights(1, 30, 30)), None, 1)],
        ("r",),
    )
    chip = edit_chip(TINY, {"core.axons": 20})
    assert _text(lambda: compile_network(net, chip, QUICK)) == (
        "net: one neuron of 'r' takes 34 axons, a core of chip 'tiny' has 20 [map-does-not-fit]\n"
        "  expected: at most 20 axons per core\n"
        "  got: 34 (proven minimum)\n"
        "  hint: it would fit with 34 axons per core"
    )


@pytest.mark.parametrize(
    ("defects", "what"),
    [
        (
            {"routers": [[0, 0]]},
            "defects contradict the host: it hangs on router (0, 0), which is dead [chip-edit]\n"
            "  hint: move the host to a router that works",
        ),
        (
            {"cores": [[1, 1, 0], [1, 1, 0]]},
            "defects.cores names the same part twice [chip-edit]\n"
            "  got: entries 0 and 1, counted from 0",
        ),
    ],
)
def test_contradictory_defects(defects, what):
    text = _text(lambda: edit_chip(TINY, {"defects": defects}))
    assert text == f"edit of chip 'tiny': {what}"


@pytest.mark.parametrize("limit", [0, -1.5])
def test_a_time_limit_of_zero(limit):
    assert _text(lambda: MapOptions(time_limit_s=limit)) == (
        "MapOptions.time_limit_s: the time limit of the search must be above 0 s [map-option]\n"
        f"  got: {limit:g}\n"
        "  hint: leave it out for no limit; the effort alone then says how long the search is"
    )
