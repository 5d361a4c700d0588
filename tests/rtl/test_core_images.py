"""Memory images: what stands in them, what is refused and in which words; the log's own errors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosim.artefacts.program import GEOMETRY
from neurosim.chip.dump import chip_digest
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.errors import NeurosimError
from neurosim.rtl.chip_log import first_difference, read_chip_log
from neurosim.rtl.images import (
    MEMORIES,
    ImageWriter,
    Sizes,
    axon_layout,
    chip_header_text,
    macros,
    write_images,
)
from neurosim.rules import neuron, synapse
from tests.helpers.chips import make_chip
from tests.helpers.programs import chain


def changed_block(program, **fields):
    """``program`` with its first core's synapse block changed."""
    core = program.cores[0]
    block = dataclasses.replace(core.blocks[0], **fields)
    return dataclasses.replace(program, cores=(dataclasses.replace(core, blocks=(block,)), *program.cores[1:]))


def changed_group(program, **fields):
    """``program`` with its first core's neuron group changed."""
    core = program.cores[0]
    group = dataclasses.replace(core.groups[0], **fields)
    return dataclasses.replace(program, cores=(dataclasses.replace(core, groups=(group,)), *program.cores[1:]))


def test_dense_rows_are_packed_lowest_first():
    chip = make_chip(2, 1)
    program = changed_block(chain(chip, [0, 1], n=3), weight=np.array([[1, -2, 3], [0, 0, 0], [-1, -1, -1]], np.int16))
    images = ImageWriter(program, chip).core(program.cores[0])
    assert tuple(images) == MEMORIES
    assert images["synapse_memory"][:3] == [0x03FE01, 0, 0xFFFFFF]
    assert [len(images[name]) for name in MEMORIES] == [256, 4096, 16, 64, 64, 1024]


def test_sparse_rows_carry_their_targets_over_word_borders():
    chip = make_chip(2, 1)  # 8 + 8 bits per synapse, two a word
    base = chain(chip, [0, 1], n=3)
    program = changed_block(
        base, format=synapse.FORMAT_SPARSE, weight=np.array([5, -1, 7], np.int16), pointer=np.array([0, 3, 3, 3]),
        target=np.array([0, 2, 1]), words=np.array([2, 0, 0]), synapses=np.array([3, 0, 0]),
    )  # fmt: skip
    images = ImageWriter(program, chip).core(program.cores[0])
    assert images["synapse_memory"][:2] == [0x02FF_0005, 0x0107]
    fields = axon_layout(Sizes.of(chip), chip).macros("A")
    assert images["axon_table"][0] >> fields["A_SPARSE_LSB"] == 1


def test_the_header_names_every_field_once_and_holds_the_sizes():
    chip = load_chip("tiny")
    found = macros(chip)
    assert (found["IMAGE_NEURONS"], found["IMAGE_SYNAPSE_WORDS"], found["IMAGE_RESET_CYCLES"]) == (64, 1024, 64)
    assert (found["IMAGE_BARRIER_UP_CYCLES"], found["IMAGE_BARRIER_WAIT_CYCLES"]) == (4, 2)
    text = chip_header_text(chip)
    for name, value in found.items():
        assert f"`define {name} {value}\n" in text


REFUSED = {
    "a wide weight": (
        lambda p: changed_block(p, weight=np.full((3, 3), 128, np.int16)), "a weight of projection 'p' needs more than 8 bits"),
    "too few words": (
        lambda p: changed_block(p, words=np.zeros(3, np.int64)), "0 words declared for 24 bits of synapses"),
    "a convolution": (
        lambda p: changed_block(p, format=synapse.FORMAT_CONV, geometry=np.zeros(len(GEOMETRY), np.int64)),
        "projection 'p' is a convolution: the core cannot compute kernel addresses"),
    "a floor below the membrane": (
        lambda p: changed_group(p, v_floor=np.full(3, -(1 << 23) - 1)),
        "a v_floor lies outside the membrane's -8388608 to 8388607"),
    "a start outside the membrane": (
        lambda p: changed_group(p, v_initial=np.full(3, 1 << 23)),
        "a v_initial lies outside the membrane's -8388608 to 8388607"),
    "division by zero": (
        lambda p: changed_group(p, reset=neuron.RESET_SUBTRACT_MULTI, threshold=np.zeros(3, np.int64)),
        "a threshold below 1 with several spikes per step: it is divided by"),
    "a wide threshold": (
        lambda p: changed_group(p, threshold=np.full(3, 1 << 40)),
        "threshold 1099511627776 does not fit into its memory field of 32 bits"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_core_cannot_do_is_refused_with_the_reason(case, tmp_path):
    chip = make_chip(2, 1)
    change, reason = REFUSED[case]
    with pytest.raises(NeurosimError) as caught:
        write_images(change(chain(chip, [0, 1], n=3)), chip, np.zeros((1, 1, 3), np.uint8), tmp_path)
    assert str(caught.value) == (
        f"program.cores[core 0]: the Verilog cores cannot run this [rtl-unsupported]\n  got: {reason}"
    )


def test_words_that_no_memory_delivers_in_time_are_refused(tmp_path):
    chip = make_chip(2, 1, core={"cycles_per_word": 0, "decode_cycles": 0})
    with pytest.raises(NeurosimError) as caught:
        write_images(chain(chip, [0, 1], n=20), chip, np.zeros((1, 1, 20), np.uint8), tmp_path)
    assert caught.value.got == "5 words of an axon in 1 cycles, at 1 a cycle"


def test_a_chip_that_is_too_fast_is_refused():
    with pytest.raises(NeurosimError) as caught:
        chip_header_text(edit_chip(load_chip("tiny"), {"core.words_per_cycle": 1000, "sync.base_cycles": 0}))
    assert caught.value.got == (
        "sync.base_cycles 0: a core's report and the token are registers, one cycle each; "
        "core.words_per_cycle 1000: over 4096 bits a cycle"
    )


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("", "rtl-event-log", "the design was built for another chip"),
        ("digest 00\nend 1\n", "rtl-event-log", "the design was built for another chip"),
        ("{digest}\n1 -1 token\n", "rtl-event-log", "the log is cut off"),
        ("{digest}\n1 -1 token\nlimit 77\n", "rtl-cycle-limit", "the Verilog chip did not finish a sample in 77 cycles"),
    ],
)
def test_bad_logs_are_named(text, code, what, tmp_path):
    chip = make_chip(2, 1)
    path = tmp_path / "events.log"
    path.write_text(text.replace("{digest}", f"digest {chip_digest(chip)}"))
    with pytest.raises(NeurosimError) as caught:
        read_chip_log(path, chip)
    assert (caught.value.code, caught.value.what, caught.value.where) == (code, what, "events.log")


def test_the_first_difference_is_the_earliest_event(tmp_path):
    chip = make_chip(2, 1)
    logs = []
    for name, body in (
        ("a", "1 -1 token\n9 0 spike 0 3 1\n9 -1 ended 0\nend 12\n"), ("b", "1 -1 token\n9 -1 ended 0\nend 12\n"),
    ):  # fmt: skip
        path = tmp_path / name
        path.write_text(f"digest {chip_digest(chip)}\n{body}")
        logs.append(read_chip_log(path, chip))
    assert first_difference(logs[0], logs[0]) is None
    difference = first_difference(*logs)
    assert str(difference) == "sample 0: spike (0, 0, 3, 1) expected, nothing got (1 events differ in all)"
