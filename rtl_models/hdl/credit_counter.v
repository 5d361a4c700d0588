// Credits of one output channel: free slots of the FIFO behind it, as far as the sender knows.
module credit_counter #(
    parameter INITIAL = 4,
    parameter COUNT_BITS = 3,  // enough for INITIAL
    parameter RETURN_BITS = 1
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire [RETURN_BITS-1:0] returned,   // credits that arrive in this cycle; they count at once
    input  wire                   spend,      // a flit leaves in this cycle (only while available)
    output wire                   available,
    output reg  [ COUNT_BITS-1:0] count
);
    localparam SUM_BITS = (COUNT_BITS > RETURN_BITS ? COUNT_BITS : RETURN_BITS) + 1;
    localparam integer ALL = INITIAL;
    localparam [COUNT_BITS-1:0] FULL = ALL[COUNT_BITS-1:0];

    wire [SUM_BITS-1:0] now = {{SUM_BITS - COUNT_BITS{1'b0}}, count} + {{SUM_BITS - RETURN_BITS{1'b0}}, returned};
    wire [SUM_BITS-1:0] next = spend ? now - 1'b1 : now;
    assign available = now != {SUM_BITS{1'b0}};

    always @(posedge clk) count <= rst ? FULL : next[COUNT_BITS-1:0];

    wire unused = &{1'b0, next[SUM_BITS-1:COUNT_BITS]};
endmodule
