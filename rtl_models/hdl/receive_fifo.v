// Receive FIFO of a core: a queue per virtual channel, from which whole packets are taken (see receive_fifo.md).
// All flits of a packet carry the same fields, so only tails are stored; credits count all of its flits.
`include "neurosim_params.vh"
module receive_fifo #(
    parameter VCS = `ROUTER_VIRTUAL_CHANNELS,
    parameter VC_BITS = `VC_BITS,
    parameter FLITS = `PACKET_FLITS,
    parameter PACKETS = `CORE_RX_FLITS / `PACKET_FLITS,  // that fit
    parameter CREDIT_BITS = `CREDIT_RETURN_BITS
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire                       in_valid,
    input  wire [     `FLIT_BITS-1:0] in_flit,
    input  wire [        VC_BITS-1:0] in_vc,
    input  wire                       take,     // pop the packet `head`; only while `waiting`
    output wire                       waiting,  // a whole packet is here; a tail that arrives now counts
    output wire [     `FLIT_BITS-1:0] head,     // the packet that the round-robin over VCs chooses
    output wire                       holds,    // a whole packet was here when the cycle began
    output reg  [VCS*CREDIT_BITS-1:0] credit
);
    localparam COUNT_BITS = $clog2(PACKETS + 1);
    localparam [CREDIT_BITS-1:0] WHOLE = FLITS;

    wire [VCS-1:0] ready, held, grant;
    wire [VCS*`FLIT_BITS-1:0] fronts;
    wire [VC_BITS-1:0] pointer;
    wire tail = in_valid & in_flit[`FLIT_TAIL_LSB];
    assign waiting = |ready;
    assign holds = |held;

    genvar c;
    generate
        for (c = 0; c < VCS; c = c + 1) begin : channel
            localparam [VC_BITS-1:0] ME = c;
            wire [COUNT_BITS-1:0] count;
            assign held[c] = count != {COUNT_BITS{1'b0}};
            sync_fifo #(
                .WIDTH(`FLIT_BITS), .DEPTH(PACKETS), .COUNT_BITS(COUNT_BITS)
            ) queue (
                .clk(clk), .rst(rst), .push(tail & (in_vc == ME)), .push_data(in_flit), .pop(take & grant[c]),
                .front_valid(ready[c]), .front(fronts[c*`FLIT_BITS+:`FLIT_BITS]), .count(count)
            );
            always @(posedge clk)
                credit[c*CREDIT_BITS+:CREDIT_BITS] <= (~rst & take & grant[c]) ? WHOLE : {CREDIT_BITS{1'b0}};
        end
    endgenerate

    rr_arbiter #(
        .N(VCS), .INDEX_BITS(VC_BITS)
    ) turn (
        .clk(clk), .rst(rst), .request(ready), .moved(take), .grant(grant), .pointer(pointer)
    );
    one_hot_mux #(
        .N(VCS), .WIDTH(`FLIT_BITS)
    ) choice (
        .select(grant), .in(fronts), .out(head)
    );

    wire unused = &{1'b0, pointer};
endmodule
