// Picks the first requester at or after a pointer, cyclically; the pointer moves past a winner that moved.
module rr_arbiter #(
    parameter N = 5,           // at most 8
    parameter INDEX_BITS = 3,  // enough for N - 1
    parameter FIXED = 0        // 1: the lowest requester wins, whatever the pointer
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [         N-1:0] request,
    input  wire                  moved,   // the winner of this cycle moved
    output wire [         N-1:0] grant,   // one bit, or none without a request
    output reg  [INDEX_BITS-1:0] pointer
);
    wire [N-1:0] from_pointer = request & ({N{1'b1}} << pointer);
    wire [N-1:0] candidates = (FIXED == 0 && |from_pointer) ? from_pointer : request;
    assign grant = candidates & (~candidates + 1'b1);

    // the one after the winner
    wire [7:0] g = {{8 - N{1'b0}}, grant};
    wire [2:0] winner = {|g[7:4], |(g & 8'hcc), |(g & 8'haa)};
    wire [3:0] next = {1'b0, winner} + 4'd1;
    wire [3:0] after = grant[N-1] ? 4'd0 : next;

    always @(posedge clk)
        if (rst) pointer <= {INDEX_BITS{1'b0}};
        else if (moved & |grant) pointer <= after[INDEX_BITS-1:0];

    wire unused = &{1'b0, after};
endmodule
