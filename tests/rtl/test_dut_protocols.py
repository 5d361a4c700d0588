"""Each protocol with a small design of its own: what is right passes, what breaks the protocol is named."""

from __future__ import annotations

import pytest

from tests.rtl.dut_cases import PIPES, check, first_of, pipe
from tests.rtl.needs import needs

needs("iverilog", "cocotb")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("rtl_models.dut.verify.write_waveform", lambda *_: None)  # test_dut_example has it


@pytest.mark.parametrize("protocol", sorted(PIPES))
def test_a_pipe_passes_with_stalls(tmp_path, protocol):
    table = check(pipe(tmp_path, protocol))
    row = table.rows[0]
    assert table.is_good
    assert (row.cases, row.packets, row.differences) == (1, 80, 0)  # 40 words in, 40 out
    assert not list((tmp_path / "cache/neurosim/rtl/dut").iterdir())  # nothing is left behind


@pytest.mark.parametrize(("protocol", "model"), [("valid_ready", "RegisterPipe"), ("credit", "CreditPipe")])
def test_a_pipe_is_equal_to_the_cycle(tmp_path, protocol, model):
    own = {"equality": "exact_cycle", "own": {"model": f"model.py:{model}"}}
    assert check(pipe(tmp_path, protocol, against=own)).is_good


BROKEN = {  # protocol, what is changed in the pipe, its replacement, what the report says
    "word changes": (
        "valid_ready", "else if (a_ready) begin", "else if (a_ready | a_valid) begin",
        "protocol: expected a word handed over as the protocol says, got 'data' changed before the word was taken",
    ),
    "valid falls": (
        "valid_ready", "else if (a_ready)", "else if (~a_ready) b_valid <= 0; else if (a_ready)",
        "protocol: expected a word handed over as the protocol says, got 'valid' fell before the word was taken",
    ),
    "request falls early": (
        "four_phase", "if (b_ack) b_req <= 0;", "if (b_req) b_req <= 0;",
        "protocol: expected a word handed over as the protocol says, got 'req' fell before the acknowledge",
    ),
    "request toggles twice": (
        "two_phase", "&& b_req == b_ack", "",
        "protocol: expected a word handed over as the protocol says, got 'req' toggled back before the acknowledge",
    ),
    "acknowledge without request": (
        "four_phase", "if (~a_req) a_ack <= 0;", "if (~a_req) a_ack <= ~a_ack;",
        "protocol: expected a word handed over as the protocol says, got 'ack' without a request",
    ),
    "no credit": (
        "credit", "credits <= 3", "credits <= 4",
        "protocol: expected a word handed over as the protocol says, got a word without a credit: all 3 slots are full",
    ),
    "credit too many": (
        "credit", "a_credit <= leaves;", "a_credit <= 1;",
        "protocol: expected a word handed over as the protocol says, got more credits came back than the 2 slots",
    ),
    "undefined": (
        "valid_ready", "if (rst) b_valid <= 0;", "if (0) b_valid <= 0;",
        "protocol: expected a word handed over as the protocol says, got 'ready' is undefined (x or z)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bug", sorted(BROKEN))
def test_a_broken_protocol_is_named(tmp_path, bug):
    protocol, old, new, said = BROKEN[bug]
    assert old in PIPES[protocol]
    path = pipe(tmp_path, protocol, verilog=PIPES[protocol].replace(old, new), stimuli__stall=0.6)
    assert first_of(check(path)).endswith(said)


def test_pins_may_be_inverted_sliced_and_joined(tmp_path):
    verilog = PIPES["valid_ready"].replace("module pipe (", "module inner (") + """
module pipe (input clk, input rst_n, input a_stb, output a_full, input [3:0] a_low, input [7:0] a_more,
             output [9:0] b, input b_ready);
    wire ready;
    assign a_full = ~ready, b[9] = 0;
    inner i (.clk(clk), .rst(~rst_n), .a_valid(a_stb), .a_ready(ready), .a_data({a_more[3:0], a_low}),
             .b_valid(b[8]), .b_ready(b_ready), .b_data(b[7:0]));
endmodule
"""
    path = pipe(
        tmp_path, "valid_ready", verilog=verilog, reset={"port": "rst_n", "active": "low"},
        ports__a__signals={"valid": "a_stb", "ready": "~a_full", "data": ["a_low", "a_more"]},
        ports__b__signals={"valid": "b[8]", "ready": "b_ready", "data": "b[7:0]"},
        ports__a__fields=[
            {"name": "low", "bits": 3}, {"name": "high", "bits": 5}, {"name": "more", "means": "ignore", "bits": 4}
        ],
        ports__b__fields=[
            {"name": "low", "bits": 3}, {"name": "high", "bits": 5},
        ],
    )  # fmt: skip
    (tmp_path / "model.py").write_text(
        "class Pipe:\n    def __init__(self, p, s): pass\n    def step(self, step, taken):\n"
        "        return [('b', {k: w.fields[k] for k in ('low', 'high')}) for w in taken]\n"
    )
    assert check(path).is_good
