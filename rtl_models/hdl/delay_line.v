// A shift register of CYCLES stages; 0 stages are a wire. Reset clears all of it.
module delay_line #(
    parameter WIDTH = 1,
    parameter CYCLES = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
);
    wire [WIDTH-1:0] at[0:CYCLES];
    assign at[0] = in;
    assign out = at[CYCLES];

    genvar i;
    generate
        for (i = 0; i < CYCLES; i = i + 1) begin : stage
            reg [WIDTH-1:0] word;
            assign at[i+1] = word;
            always @(posedge clk) word <= rst ? {WIDTH{1'b0}} : at[i];
        end
        if (CYCLES == 0) begin : wires_only
            wire unused = &{1'b0, clk, rst};
        end
    endgenerate
endmodule
