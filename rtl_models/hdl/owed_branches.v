// The copies that the front flit of an input channel still owes. Served branches are remembered until the last one
// moves; then the flit leaves, and the next one starts anew.
module owed_branches #(
    parameter PORTS = 5
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [PORTS-1:0] branches,  // of the front flit
    input  wire [PORTS-1:0] taken,     // copies that move in this cycle; only what is owed
    output wire [PORTS-1:0] owes,
    output wire             leaves     // the last copies move in this cycle
`ifdef FORMAL
    ,
    output wire [PORTS-1:0] probe_done
`endif
);
    reg [PORTS-1:0] done;  // state
`ifdef FORMAL
    assign probe_done = done;
`endif
    assign owes = branches & ~done;
    assign leaves = |taken & (owes == taken);
    always @(posedge clk) done <= rst | leaves ? {PORTS{1'b0}} : done | taken;
endmodule
