"""Synapse rules: which neurons a packet reaches, and how long the pipeline works on it.

A core's synapses lie in *blocks* of one format.  A dense block is a weight row per axon, a sparse
block a list per axon, a convolution block one shared kernel from which the synapses of any axon are
computed, so a convolution is never unrolled.
"""

from __future__ import annotations

from neurosim.rules.arith import ceil_div

FORMAT_DENSE = 0
FORMAT_SPARSE = 1
FORMAT_CONV = 2
FORMAT_NAMES = ("dense", "sparse", "conv")


def axon_words(
    fmt: int, n_synapses: int, weight_bits: int, index_bits: int, word_bits: int
) -> int:
    """Memory words that are read when a packet arrives at an axon with ``n_synapses`` synapses.

    A sparse synapse carries its target's index beside the weight.
    """
    bits = weight_bits + index_bits if fmt == FORMAT_SPARSE else weight_bits
    words: int = ceil_div(n_synapses * bits, word_bits)
    return words


def packet_cycles(
    decode_cycles: int,
    words: int,
    cycles_per_word: int,
    words_per_cycle: int,
    n_synapses: int,
    cycles_per_synapse: int,
) -> int:
    """Cycles that the synapse pipeline is busy with one packet (at least 1)."""
    read = ceil_div(words * cycles_per_word, words_per_cycle)
    total = decode_cycles + read + n_synapses * cycles_per_synapse
    return total if total > 0 else 1


def conv_first(position: int, padding: int, kernel: int, dilation: int, stride: int) -> int:
    """Smallest output index whose window can reach input ``position`` (may be negative)."""
    first: int = ceil_div(position + padding - (kernel - 1) * dilation, stride)
    return first


def conv_last(position: int, padding: int, stride: int) -> int:
    """Largest output index whose window can reach input ``position``."""
    return (position + padding) // stride


def conv_tap(position: int, output: int, padding: int, dilation: int, stride: int) -> int:
    """Kernel tap by which ``output`` sees input ``position``, or -1 if none does.

    The caller keeps the tap below the kernel's size by ``conv_first`` and ``conv_last``.
    """
    offset = position + padding - output * stride
    return offset // dilation if offset % dilation == 0 else -1
