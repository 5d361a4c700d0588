// The bench's stand-in for synchroniser.v: bits that changed less than SKEW simulator steps before the clock's edge are
// caught as they were or as they are, each by its own chance, as wires of unequal length and flip-flops that have to
// decide do it. What is right with this is right at any two clocks whose periods are longer than SKEW.
module synchroniser #(
    parameter WIDTH = 4,
    parameter STAGES = 2,
    parameter SKEW = 240
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
);
    reg [STAGES*WIDTH-1:0] stages;
    reg [WIDTH-1:0] late, chance;
    assign out = stages[STAGES*WIDTH-1-:WIDTH];
    always @(in) late <= #SKEW in;
    always @(posedge clk) begin
        chance = $random;
        if (rst) stages <= {STAGES * WIDTH{1'b0}};
        else stages <= {stages[(STAGES-1)*WIDTH-1:0], (in & chance) | (late & ~chance)};
    end
endmodule
