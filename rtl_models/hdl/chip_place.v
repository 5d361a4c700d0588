// One coordinate over a row of chips: which chip the router lies on, where that chip begins, which chip is the goal's.
module chip_place #(
    parameter BITS = 2,   // of the coordinate
    parameter TILES = 2,  // of a chip
    parameter ALL = 4     // tiles of all chips
) (
    input  wire [BITS-1:0] at,
    input  wire [BITS-1:0] goal,
    output reg  [BITS-1:0] chip,
    output reg  [BITS-1:0] base,
    output reg  [BITS-1:0] goal_chip
);
    integer i;
    always @* begin
        chip = {BITS{1'b0}};
        base = {BITS{1'b0}};
        goal_chip = {BITS{1'b0}};
        for (i = TILES; i < ALL; i = i + TILES) begin
            if (at >= i[BITS-1:0]) begin
                chip = chip + 1'b1;
                base = i[BITS-1:0];
            end
            if (goal >= i[BITS-1:0]) goal_chip = goal_chip + 1'b1;
        end
    end
endmodule
