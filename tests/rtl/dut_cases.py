"""Small designs and adapters for the tests of ``neurosim verify --dut``: one pipe per protocol, one core."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from rtl_models.dut import verify_dut
from rtl_models.verdicts import VerifyTable

# pipes: a word goes in by one protocol and comes out by another, through one register
PIPES = {
    "valid_ready": """
module pipe (input clk, input rst, input a_valid, output a_ready, input [7:0] a_data,
             output reg b_valid, input b_ready, output reg [7:0] b_data);
    assign a_ready = ~b_valid | b_ready;
    always @(posedge clk)
        if (rst) b_valid <= 0;
        else if (a_ready) begin b_valid <= a_valid; b_data <= a_data; end
endmodule
""",
    "four_phase": """
module pipe (input clk, input rst, input a_req, output reg a_ack, input [7:0] a_data,
             output reg b_req, input b_ack, output reg [7:0] b_data);
    always @(posedge clk)
        if (rst) begin a_ack <= 0; b_req <= 0; end
        else begin
            if (a_req & ~a_ack & ~b_req & ~b_ack) begin a_ack <= 1; b_req <= 1; b_data <= a_data; end
            if (~a_req) a_ack <= 0;
            if (b_ack) b_req <= 0;
        end
endmodule
""",
    "two_phase": """
module pipe (input clk, input rst, input a_req, output reg a_ack, input [7:0] a_data,
             output reg b_req, input b_ack, output reg [7:0] b_data);
    always @(posedge clk)
        if (rst) begin a_ack <= 0; b_req <= 0; end
        else if (a_req != a_ack && b_req == b_ack) begin a_ack <= ~a_ack; b_req <= ~b_req; b_data <= a_data; end
endmodule
""",
    "credit": """
module pipe (input clk, input rst, input a_valid, output reg a_credit, input [7:0] a_data,
             output reg b_valid, input b_credit, output reg [7:0] b_data);
    reg [7:0] slot [0:1];
    reg [1:0] n;
    reg [2:0] credits;
    wire leaves = n != 0 & credits != 0;
    always @(posedge clk)
        if (rst) begin n <= 0; credits <= 3; a_credit <= 0; b_valid <= 0; end
        else begin
            n <= n + a_valid - leaves;
            credits <= credits + b_credit - leaves;
            a_credit <= leaves;
            b_valid <= leaves;
            b_data <= slot[0];
            if (leaves) slot[0] <= slot[1];
            if (a_valid) slot[n - leaves] <= a_data;
        end
endmodule
""",
}
SIGNALS = {
    "valid_ready": ("valid", "ready", "data"), "four_phase": ("req", "ack", "data"),
    "two_phase": ("req", "ack", "data"), "credit": ("valid", "credit", "data"),
}  # fmt: skip

PIPE_MODEL = """
from collections import deque


class Pipe:
    def __init__(self, parameters, seed):
        self.skip, self.extra = parameters.get("skip", -1), parameters.get("extra", 0)

    def step(self, step, taken):
        words = [("b", w.fields) for n, w in enumerate(taken) if n != self.skip]
        return words + [("b", {"low": 1, "high": 2})] * self.extra


class RegisterPipe:
    def __init__(self, parameters, seed):
        self.word = None

    def accepts(self):
        return {}

    def cycle(self, seen):
        out = []
        if self.word is not None and seen.ready["b"]:
            out, self.word = [("b", self.word)], None
        for word in seen.taken:
            self.word = word.fields
        return out


class CreditPipe:
    def __init__(self, parameters, seed):
        self.slots, self.credits, self.out = deque(), 3, []

    def cycle(self, seen):
        out, self.out = self.out, []
        if self.slots and self.credits:
            self.credits -= 1
            self.out = [("b", self.slots.popleft()), ("a", {})]
        self.credits += len(seen.returned)
        self.slots.extend(word.fields for word in seen.taken)
        return out
"""

CORE = """
module plain_core #(parameter N = 8, A = 8, IMAGE = "") (
    input clk, input rst, input in_valid, output in_ready, input [3:0] in_axon,
    input tick, output busy, output out_valid, input out_ready, output [3:0] out_neuron,
    input set, output set_ready, input [3:0] set_neuron, input [15:0] set_threshold);
    reg signed [7:0] weight [0:N*A-1];
    reg signed [15:0] threshold [0:N-1], v [0:N-1], x [0:N-1];
    reg [8*64-1:0] file;
    initial begin
        if ($value$plusargs("weights=%s", file)) $readmemh(file, weight);
        if (IMAGE != "") $readmemh(IMAGE, weight);
`ifdef FILE
        $readmemh(`FILE, weight);
`endif
    end
    reg [1:0] state;
    reg [3:0] axon, k;
    localparam IDLE = 0, ADD = 1, UPDATE = 2, SEND = 3;
    assign in_ready = state == IDLE & ~tick, busy = state == UPDATE | state == SEND, set_ready = ~k[0];
    assign out_valid = state == SEND, out_neuron = k;
    wire signed [15:0] u = v[k] + x[k];
    integer i;
    always @(posedge clk)
        if (rst) begin
            state <= IDLE; k <= 0;
            for (i = 0; i < N; i = i + 1) begin v[i] <= 0; x[i] <= 0; end
        end else case (state)
            IDLE: begin
                if (set & set_ready) threshold[set_neuron] <= set_threshold;
                k <= set ? k + 1 : 0;
                if (tick) begin state <= UPDATE; k <= 0; end
                else if (in_valid) begin axon <= in_axon; state <= ADD; k <= 0; end
            end
            ADD: begin
                x[k] <= x[k] + weight[axon * N + k];
                k <= k + 1;
                if (k == N - 1) begin state <= IDLE; k <= 0; end
            end
            UPDATE: begin
                x[k] <= 0;
                v[k] <= u >= threshold[k] ? u - threshold[k] : u;
                if (u >= threshold[k]) state <= SEND;
                else if (k == N - 1) begin state <= IDLE; k <= 0; end
                else k <= k + 1;
            end
            SEND: if (out_ready) begin
                state <= k == N - 1 ? IDLE : UPDATE;
                k <= k == N - 1 ? 0 : k + 1;
            end
        endcase
endmodule
"""


def pipe(folder: Path, protocol: str, out: str | None = None, **changes: Any) -> Path:
    """Write a pipe with its adapter into ``folder``; changes by dotted path (see :func:`write`)."""
    (folder / "pipe.v").write_text(changes.pop("verilog", PIPES[protocol]))
    (folder / "model.py").write_text(PIPE_MODEL)
    credits = {"a": 2, "b": 3} if protocol == "credit" else {}
    adapter = {
        "schema_version": 1, "name": "pipe", "kind": "core",
        "design": {"sources": ["pipe.v"], "top": "pipe"},
        "clock": {"port": "clk"}, "reset": {"port": "rst"},
        "ports": {
            name: {
                "direction": direction, "protocol": protocol,
                "signals": {signal: f"{name}_{signal}" for signal in SIGNALS[protocol]},
                "fields": [{"name": "low", "bits": 3}, {"name": "high", "bits": 5}],
                **({"credits": credits[name]} if credits else {}),
            }
            for name, direction in (("a", "in"), ("b", "out"))
        },
        "against": {"equality": "order", "own": {"model": "model.py:Pipe"}},
        "stimuli": {"cases": 1, "words": 40, "rate": 0.7, "stall": 0.3},
        "limits": {"cycles": 5000, "idle_cycles": 300},
    }  # fmt: skip
    return write(folder, adapter, **changes)


def core(folder: Path, **changes: Any) -> Path:
    """Write the plain core with its adapter into ``folder``."""
    (folder / "core.v").write_text(changes.pop("verilog", CORE))
    adapter = {
        "schema_version": 1, "name": "plain_core", "kind": "core",
        "design": {"sources": ["*.v"], "top": "plain_core"},
        "clock": {"port": "clk"}, "reset": {"port": "rst"},
        "ports": {
            "axons": {
                "direction": "in", "protocol": "valid_ready",
                "signals": {"valid": "in_valid", "ready": "in_ready", "data": "in_axon"},
                "fields": [{"name": "axon", "bits": 4}],
            },
            "spikes": {
                "direction": "out", "protocol": "valid_ready",
                "signals": {"valid": "out_valid", "ready": "out_ready", "data": "out_neuron"},
                "fields": [{"name": "neuron", "bits": 4}],
            },
        },
        "step": {"ready": "in_ready", "tick": {"pulse": "tick"}, "done": {"high": "~busy", "after_cycles": 2}},
        "configuration": [
            {"image": {"memory": "weight", "for": {"a": "n_axons", "n": "n_neurons"}, "word": "weight[a, n]"}},
            {
                "bus": {
                    "write": "set", "ready": "set_ready",
                    "signals": {"neuron": "set_neuron", "threshold": "set_threshold"},
                },
                "writes": [
                    {"for": {"n": "n_neurons"}, "fields": {"neuron": "n", "threshold": "threshold[n]"}}
                ],
            },
        ],
        "against": {
            "equality": "order",
            "neuron": {
                "model": "if", "reset": "subtract", "n_axons": 8, "n_neurons": 8,
                "weights": {"low": -20, "high": 40}, "threshold": "50 + neuron", "reset_amount": "50 + neuron",
            },
        },
        "stimuli": {"cases": 1, "steps": 12, "rate": 0.4},
        "limits": {"cycles": 20000, "idle_cycles": 300},
    }  # fmt: skip
    return write(folder, adapter, **changes)


def write(folder: Path, adapter: dict[str, Any], **changes: Any) -> Path:
    """Write ``adapter``; ``design__top="x"`` changes ``design.top``, a value of None removes the key."""
    adapter = copy.deepcopy(adapter)
    for name, value in changes.items():
        *parents, last = (int(part) if part.isdigit() else part for part in name.split("__"))
        here: Any = adapter
        for part in parents:
            here = here[part]
        if value is None:
            del here[last]
        else:
            here[last] = value
    path = folder / "adapter.yaml"
    with open(path, "w") as file:
        YAML(typ="safe").dump(adapter, file)
    return path


def first_of(table: VerifyTable) -> str:
    """The first difference, in one line."""
    assert table.bad is not None
    return str(table.bad.first)


def check(path: Path, **options: Any) -> VerifyTable:
    """Verify the adapter."""
    return verify_dut(path, **options)
