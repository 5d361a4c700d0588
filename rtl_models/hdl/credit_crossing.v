// Credits of one VC from the receiver's clock to the sender's: a Gray-coded count crosses (see gals_link.md).
module credit_crossing #(
    parameter BITS = 3,   // at least 2; more than 2**BITS - 1 credits are never under way
    parameter STAGES = 2
) (
    input  wire give_clk,
    input  wire give_rst,
    input  wire give,
    input  wire take_clk,
    input  wire take_rst,
    output wire take      // one credit in each cycle in which this is 1
`ifdef FORMAL
    ,
    output wire [BITS-1:0] probe_given,
    output wire [BITS-1:0] probe_given_gray,
    output wire [STAGES*BITS-1:0] probe_given_seen,
    output wire [BITS-1:0] probe_taken,
    output wire [BITS-1:0] probe_taken_gray
`endif
);
    reg [BITS-1:0] given, given_gray, taken, taken_gray;
    wire [BITS-1:0] given_seen;
    wire [BITS-1:0] given_next = given + {{BITS - 1{1'b0}}, give};
    wire [BITS-1:0] taken_next = taken + {{BITS - 1{1'b0}}, take};
    assign take = given_seen != taken_gray;

    synchroniser #(
        .WIDTH (BITS),
        .STAGES(STAGES)
    ) to_sender (
        .clk(take_clk),
        .rst(take_rst),
        .in (given_gray),
        .out(given_seen)
`ifdef FORMAL
        ,
        .probe_stages(probe_given_seen)
`endif
    );

    always @(posedge give_clk)
        if (give_rst) begin
            given <= {BITS{1'b0}};
            given_gray <= {BITS{1'b0}};
        end else begin
            given <= given_next;
            given_gray <= given_next ^ (given_next >> 1);
        end
    always @(posedge take_clk)
        if (take_rst) begin
            taken <= {BITS{1'b0}};
            taken_gray <= {BITS{1'b0}};
        end else begin
            taken <= taken_next;
            taken_gray <= taken_next ^ (taken_next >> 1);
        end

`ifdef FORMAL
    assign probe_given = given;
    assign probe_given_gray = given_gray;
    assign probe_taken = taken;
    assign probe_taken_gray = taken_gray;
`endif
endmodule
