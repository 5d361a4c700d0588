"""The checkers catch every fault that is planted, and say what it is."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check import check_partition, check_placement, check_program, check_routes
from neurosim.artefacts.mapping import Demand
from neurosim.rules import synapse
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net, problems

REPLACE = dataclasses.replace
CHIP = make_chip(core={"target_entries": 512, "synapse_words": 1024})


@functools.cache
def mapping():
    made = compile_network(conv_net(), CHIP, MapOptions(placer="row_order"))
    assert problems(made, CHIP) == []
    return made


def with_core(program, core):
    """The program with one core replaced."""
    return REPLACE(program, cores=tuple(core if c.core == core.core else c for c in program.cores))


def with_block(program, core, number, **change):
    """The program with fields of one block changed."""
    blocks = list(core.blocks)
    blocks[number] = REPLACE(blocks[number], **change)
    return with_core(program, REPLACE(core, blocks=tuple(blocks)))


def with_group(program, core, number, **change):
    """The program with fields of one neuron group changed."""
    groups = list(core.groups)
    groups[number] = REPLACE(groups[number], **change)
    return with_core(program, REPLACE(core, groups=tuple(groups)))


def _changed(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


def _core_of(program, population):
    return next(c for c in program.cores if c.groups[0].population == population)


def _drop_entry(p):
    core = _core_of(p, "c1")
    table = core.targets
    last = int(np.flatnonzero(table.core >= 0)[-1])
    neuron = int(np.searchsorted(table.pointer, last, side="right")) - 1
    pointer = table.pointer.copy()
    pointer[neuron + 1 :] -= 1
    made = REPLACE(table, pointer=pointer, core=np.delete(table.core, last), axon=np.delete(table.axon, last))
    return with_core(p, REPLACE(core, targets=made))


def _duplicate_entry(p):
    core = _core_of(p, "c1")
    table = core.targets
    pointer = table.pointer.copy()
    pointer[1:] += 1
    made = REPLACE(
        table, pointer=pointer, core=np.insert(table.core, 0, table.core[0]),
        axon=np.insert(table.axon, 0, table.axon[0]),
    )  # fmt: skip
    return with_core(p, REPLACE(core, targets=made))


def _redirect_entry(p):
    """The last packet of the input goes to an axon of another neuron's."""
    axon = p.host.axon
    return REPLACE(p, host=REPLACE(p.host, axon=_changed(axon, -1, axon[-1] - 1)))


def _dense_weight(p):
    core = _core_of(p, "out")
    weight = core.blocks[0].weight
    return with_block(p, core, 0, weight=_changed(weight, (5, 3), weight[5, 3] ^ 1))


def _kernel_weight(p):
    core = _core_of(p, "c2")
    weight = core.blocks[0].weight
    return with_block(p, core, 0, weight=_changed(weight, (0, 0, 2, 2), weight[0, 0, 2, 2] ^ 1))


def _shifted_geometry(p):
    core = _core_of(p, "c2")
    return with_block(p, core, 0, geometry=_changed(core.blocks[0].geometry, 8, 0))  # pad_top 1 -> 0


def _delay(p):
    core = _core_of(p, "out")
    return with_block(p, core, 0, delay_steps=2)


def _threshold(p):
    core = _core_of(p, "c1")
    return with_group(p, core, 0, threshold=core.groups[0].threshold + 1)


def _start(p):
    return with_group(p, _core_of(p, "c2"), 0, start_step=1)


def _move_core(p):
    core = p.cores[-1]
    return REPLACE(p, cores=(*p.cores[:-1], REPLACE(core, core=15)))


def _drop_core(p):
    return REPLACE(p, cores=p.cores[1:])


def _twice_a_neuron(p):
    core = _core_of(p, "c1")
    return with_group(p, core, 0, neurons=_changed(core.groups[0].neurons, 1, core.groups[0].neurons[0]))


def _host_axon(p):
    core = _core_of(p, "out")
    table = core.targets
    return with_core(p, REPLACE(core, targets=REPLACE(table, axon=_changed(table.axon, 0, 7))))


def _words(p):
    core = _core_of(p, "out")
    return with_block(p, core, 0, words=core.blocks[0].words - 1)


def _memory(p):
    core = _core_of(p, "c2")
    return with_block(p, core, 0, memory_words=core.blocks[0].memory_words - 1)


def _synapses(p):
    core = _core_of(p, "c2")
    return with_block(p, core, 0, synapses=core.blocks[0].synapses + 1)


def _too_wide(p):
    core = _core_of(p, "out")
    return with_block(p, core, 0, weight=_changed(core.blocks[0].weight, (0, 0), 128))


def _outputs(p):
    return REPLACE(p, outputs=(("out", 10, 2),))


def _depth(p):
    return REPLACE(p, depth=p.depth + 1)


PROGRAM_FAULTS = [
    (_drop_entry, "through 'c1_c2_1': a synapse is missing, doubled or has a wrong weight"),
    (_duplicate_entry, "a neuron of core 0 has the same entry twice"),
    (_redirect_entry, "through 'in_c1_0': a synapse is missing, doubled or has a wrong weight"),
    (_dense_weight, "neuron 3 of 'out' gets a wrong sum through 'c2_out_2'"),
    (_kernel_weight, "neuron 0 of 'c2' gets a wrong sum through 'c1_c2_1'"),
    (_shifted_geometry, "through 'c1_c2_1': a synapse is missing, doubled or has a wrong weight"),
    (_delay, "'c2_out_2' on core 12 takes 2 steps, not 1"),
    (_threshold, "core 0 group 0 has a wrong threshold"),
    (_start, "'c2' on core 8 starts in step 1, not 2"),
    (_move_core, "sends to core 12, which holds nothing"),
    (_drop_core, "the host sends to core 0, which holds nothing"),
    (_twice_a_neuron, "neuron 0 of 'c1' is held 2 times, must be once"),
    (_host_axon, "neuron 0 of 'out' sends to host axons [7], must be [0]"),
    (_words, "core 12 block 0 says a wrong number of words for an axon"),
    (_memory, "core 8 block 0 says 359 memory words, counted 360"),
    (_synapses, "core 8 block 0 says a wrong number of synapses for an axon"),
    (_too_wide, "core 12 block 0 has a weight outside -128..127"),
    (_outputs, "outputs (('out', 10, 2),) are not the network's (('out', 10, 3),)"),
    (_depth, "depth 4, the network needs 3"),
]


@pytest.mark.parametrize(("fault", "text"), PROGRAM_FAULTS, ids=[f.__name__ for f, _ in PROGRAM_FAULTS])
def test_faults_of_a_program_are_named(fault, text):
    made = mapping()
    found = check_program(fault(made.program), made.network, CHIP)
    assert any(text in problem for problem in found), found


def test_capacities_are_recounted_from_the_program():
    made = mapping()
    small = make_chip(core={"target_entries": 191, "synapse_words": 1023, "neurons": 63, "axons": 255})
    found = check_program(made.program, made.network, small)
    assert any("takes 64 neurons, it has 63" in p for p in found)
    assert any("takes 192 target_entries, it has 191" in p for p in found)


def test_routes_and_tables_must_agree():
    made = mapping()
    routes = REPLACE(made.routes, source=made.routes.source[1:], target=made.routes.target[1:])
    found = check_program(made.program, made.network, CHIP, routes)
    assert "packets from core -1 to core 0 have no route" in found


def _cluster(partition, number, **change):
    clusters = list(partition.clusters)
    clusters[number] = REPLACE(clusters[number], **change)
    return REPLACE(partition, clusters=tuple(clusters))


def test_faults_of_a_partition_are_named():
    made = mapping()
    partition, net = made.partition, made.network
    first = partition.clusters[0]
    demand = Demand(first.demand.neurons, first.demand.axons - 1, first.demand.synapse_words, 0)
    found = check_partition(_cluster(partition, 0, demand=demand), net, CHIP)
    assert f"cluster 0 says {first.demand.axons - 1} axons, counted {first.demand.axons}" in found
    assert f"cluster 0 says 0 target_entries, counted {first.demand.target_entries}" in found
    lost = REPLACE(partition, clusters=partition.clusters[1:])
    assert "neuron 0 of 'c1' is in 0 slices, must be in one" in check_partition(lost, net, CHIP)
    piece = REPLACE(first.slices[0], y=(0, 9))
    found = check_partition(_cluster(partition, 0, slices=(piece,)), net, CHIP)
    assert found == ["cluster 0: a slice of 'c1' leaves (8, 8, 8)"]
    small = make_chip(width=3, core={"target_entries": 512, "synapse_words": 1024})
    found = check_partition(partition, net, small)
    assert "13 clusters, but the chip has 12 neuron cores" in found
    assert "the partition was made for another chip" in found


def test_faults_of_a_placement_are_named():
    made = mapping()
    place = functools.partial(check_placement, partition=made.partition, network=made.network)
    double = REPLACE(made.placement, core=_changed(made.placement.core, 1, 0))
    assert "clusters 0 and 1 are both on core 0" in place(double, chip=CHIP)
    outside = REPLACE(made.placement, core=_changed(made.placement.core, 1, 16))
    assert "cluster 1 is on core 16, the chip has 16" in place(outside, chip=CHIP)
    manager = make_chip(
        core={"target_entries": 512, "synapse_words": 1024},
        core_types=({"name": "manager", "tiles": ((1, 0),), "is_neuron_core": False},),
    )
    assert "cluster 1 is on core 1, which is no neuron core" in place(made.placement, chip=manager)
    near = make_chip(core={"target_entries": 512, "synapse_words": 1024}, reach={"x_hops": 2, "y_hops": 3})
    assert "the host cannot address core 3: it is out of reach" in place(made.placement, chip=near)


def test_faults_of_routes_are_named():
    made = mapping()
    check = functools.partial(
        check_routes, placement=made.placement, partition=made.partition, network=made.network, chip=CHIP
    )
    hops = REPLACE(made.routes, hops=_changed(made.routes.hops, 0, 9))
    assert check(hops) == ["the flow from core -1 to core 0 enters 1 routers, not 9"]
    wrong = REPLACE(made.routes, target=_changed(made.routes.target, 0, 12))
    assert check(wrong) == [
        "no flow from core -1 to core 0",
        "a flow from core -1 to core 12 that nobody needs",
    ]
    order = REPLACE(made.routes, order=made.routes.order[::-1].copy())
    assert any("which stands before it in the order" in p for p in check(order))
    cyclic = REPLACE(made.routes, verdict="cyclic", cycle=made.routes.order[:2])
    assert any("does not wait for" in p for p in check(cyclic))


def test_sparse_and_dense_blocks_are_read_as_the_engines_read_them():
    from mapper.check.synapses import block_sums
    from neurosim.engines.synapses import axon_synapses

    for core in mapping().program.cores:
        for block in core.blocks:
            n = core.groups[block.group].n
            for row in range(0, block.n_axons, 7):
                targets, weight = axon_synapses(block, row)
                expected = np.zeros(n, np.int64)
                np.add.at(expected, targets, weight)
                one = np.zeros((1, block.n_axons), np.int64)
                one[0, row] = 1
                np.testing.assert_array_equal(block_sums(block, n, one)[0], expected)
    assert {b.format for c in mapping().program.cores for b in c.blocks} == {
        synapse.FORMAT_CONV,
        synapse.FORMAT_DENSE,
    }
