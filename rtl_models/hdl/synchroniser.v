// Brings a word of another clock to this one: STAGES registers in a row (see async_fifo.md). The word may change in
// one bit at a time only (Gray code): the first register may catch any changing bit before or after its change.
module synchroniser #(
    parameter WIDTH = 4,
    parameter STAGES = 2  // at least 2: the first register needs a cycle to settle
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
`ifdef FORMAL
    ,
    output wire [STAGES*WIDTH-1:0] probe_stages
`endif
);
    reg [STAGES*WIDTH-1:0] stages;  // the first is the lowest
    assign out = stages[STAGES*WIDTH-1-:WIDTH];
    always @(posedge clk)
        if (rst) stages <= {STAGES * WIDTH{1'b0}};
        else stages <= {stages[(STAGES-1)*WIDTH-1:0], in};
`ifdef FORMAL
    assign probe_stages = stages;
`endif
endmodule
