// Gives up a packet whose head flit was at the front of its channel for LIMIT cycles, then discards it up to its tail.
module head_timer #(
    parameter LIMIT = 100
) (
    input  wire clk,
    input  wire rst,
    input  wire waiting,   // a flit is at the front
    input  wire is_head,
    input  wire is_tail,
    input  wire moves,     // the flit at the front moves in this cycle
    output reg  dropping,
    output wire discards   // the flit at the front is thrown away in this cycle
);
    localparam BITS = $clog2(LIMIT + 1);
    localparam integer LAST_AGE = LIMIT;
    localparam [BITS-1:0] LAST = LAST_AGE[BITS-1:0];

    reg [BITS-1:0] age;  // cycles that the flit at the front has been there
    wire is_old = age == LAST;
    assign discards = dropping & waiting;

    always @(posedge clk)
        if (rst) begin
            age <= {BITS{1'b0}};
            dropping <= 1'b0;
        end else begin
            if (~waiting | moves | discards) age <= {BITS{1'b0}};
            else if (~is_old) age <= age + 1'b1;
            if (discards) dropping <= ~is_tail;
            else if (waiting & is_head & ~moves & is_old) dropping <= 1'b1;
        end
endmodule
