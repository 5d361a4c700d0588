// The proofs' stand-in for synchroniser.v: a bit that changed in the solver's step of the clock's edge or in the one
// before is caught as it was or as it is, each by the solver's choice.
module synchroniser #(
    parameter WIDTH = 4,
    parameter STAGES = 2
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out,
    output wire [STAGES*WIDTH-1:0] probe_stages
);
    (* anyseq *) wire [WIDTH-1:0] chance;
    reg [WIDTH-1:0] before;
    always @($global_clock) before <= in;
    reg [STAGES*WIDTH-1:0] stages;
    assign out = stages[STAGES*WIDTH-1-:WIDTH];
    assign probe_stages = stages;
    always @(posedge clk)
        if (rst) stages <= {STAGES * WIDTH{1'b0}};
        else stages <= {stages[(STAGES-1)*WIDTH-1:0], (in & chance) | (before & ~chance)};
endmodule
