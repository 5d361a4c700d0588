// A link between two chips with clocks of their own: serialiser, wires and deserialiser in the sender's clock (which
// travels with the data), then a FIFO between the clocks; credits come back as Gray-coded counts (see gals_link.md).
`include "neurosim_params.vh"
module gals_link #(
    parameter FLIT_BITS = `FLIT_BITS,
    parameter VC_BITS = `VC_BITS,
    parameter CREDITS = `ROUTER_VIRTUAL_CHANNELS,     // credit wires, one per VC
    parameter DELAY = `GALS_DELAY_EAST_WEST,          // sender's cycles from input to the FIFO
    parameter CYCLES_PER_FLIT = `LINK_PRESENT ? `LINK_CYCLES_PER_FLIT : 1,
    parameter ADDRESS_BITS = `GALS_FIFO_ADDRESS_BITS,  // 2**ADDRESS_BITS is not less than the credits of all VCs
    parameter STAGES = `GALS_STAGES,                  // registers of each synchroniser
    parameter CREDIT_DELAY = `GALS_CREDIT_DELAY,      // receiver's cycles from input to the count
    parameter CREDIT_BITS = `GALS_CREDIT_BITS         // 2**CREDIT_BITS is more than the credits of one VC
) (
    input  wire                 send_clk,
    input  wire                 send_rst,
    input  wire                 in_valid,     // at most every CYCLES_PER_FLIT cycles, and only with a credit
    input  wire [FLIT_BITS-1:0] in_flit,
    input  wire [  VC_BITS-1:0] in_vc,
    output wire [  CREDITS-1:0] credit_out,
    input  wire                 receive_clk,
    input  wire                 receive_rst,
    output wire                 out_valid,
    output wire [FLIT_BITS-1:0] out_flit,
    output wire [  VC_BITS-1:0] out_vc,
    input  wire [  CREDITS-1:0] credit_in
`ifdef FORMAL
    ,
    output wire probe_push,
    output wire probe_full,
    output wire [ADDRESS_BITS:0] probe_write_at,
    output wire [ADDRESS_BITS:0] probe_write_gray,
    output wire [STAGES*ADDRESS_BITS+STAGES-1:0] probe_write_seen,
    output wire [ADDRESS_BITS:0] probe_read_at,
    output wire [ADDRESS_BITS:0] probe_read_gray,
    output wire [STAGES*ADDRESS_BITS+STAGES-1:0] probe_read_seen,
    output wire [CREDITS*CREDIT_BITS-1:0] probe_given,
    output wire [CREDITS*CREDIT_BITS-1:0] probe_given_gray,
    output wire [CREDITS*STAGES*CREDIT_BITS-1:0] probe_given_seen,
    output wire [CREDITS*CREDIT_BITS-1:0] probe_taken,
    output wire [CREDITS*CREDIT_BITS-1:0] probe_taken_gray
`endif
);
    wire whole, full, empty, no_credit;
    wire [FLIT_BITS-1:0] whole_flit;
    wire [VC_BITS-1:0] whole_vc;
    wire [CREDITS-1:0] freed;

    chip_link #(
        .FLIT_BITS(FLIT_BITS),
        .VC_BITS(VC_BITS),
        .CREDITS(1),
        .DELAY(DELAY),
        .CYCLES_PER_FLIT(CYCLES_PER_FLIT),
        .CREDIT_DELAY(0)
    ) wires (
        .clk(send_clk),
        .rst(send_rst),
        .in_valid(in_valid),
        .in_flit(in_flit),
        .in_vc(in_vc),
        .out_valid(whole),
        .out_flit(whole_flit),
        .out_vc(whole_vc),
        .credit_in(1'b0),
        .credit_out(no_credit)
    );
    // never full when a flit comes: every flit in it has a credit, and the receiver takes one every cycle
    wire unused = &{1'b0, full, no_credit};

    async_fifo #(
        .WIDTH(VC_BITS + FLIT_BITS),
        .ADDRESS_BITS(ADDRESS_BITS),
        .STAGES(STAGES)
    ) fifo (
        .write_clk(send_clk),
        .write_rst(send_rst),
        .push(whole),
        .push_data({whole_vc, whole_flit}),
        .full(full),
        .read_clk(receive_clk),
        .read_rst(receive_rst),
        .pop(out_valid),
        .front({out_vc, out_flit}),
        .empty(empty)
`ifdef FORMAL
        ,
        .probe_write_at(probe_write_at),
        .probe_write_gray(probe_write_gray),
        .probe_write_seen(probe_write_seen),
        .probe_read_at(probe_read_at),
        .probe_read_gray(probe_read_gray),
        .probe_read_seen(probe_read_seen)
`endif
    );
    assign out_valid = ~empty;

    delay_line #(
        .WIDTH(CREDITS),
        .CYCLES(CREDIT_DELAY)
    ) credit_wires (
        .clk(receive_clk),
        .rst(receive_rst),
        .in (credit_in),
        .out(freed)
    );
    genvar v;
    generate
        for (v = 0; v < CREDITS; v = v + 1) begin : vc
            credit_crossing #(
                .BITS  (CREDIT_BITS),
                .STAGES(STAGES)
            ) crossing (
                .give_clk(receive_clk),
                .give_rst(receive_rst),
                .give(freed[v]),
                .take_clk(send_clk),
                .take_rst(send_rst),
                .take(credit_out[v])
`ifdef FORMAL
                ,
                .probe_given(probe_given[v*CREDIT_BITS+:CREDIT_BITS]),
                .probe_given_gray(probe_given_gray[v*CREDIT_BITS+:CREDIT_BITS]),
                .probe_given_seen(probe_given_seen[v*STAGES*CREDIT_BITS+:STAGES*CREDIT_BITS]),
                .probe_taken(probe_taken[v*CREDIT_BITS+:CREDIT_BITS]),
                .probe_taken_gray(probe_taken_gray[v*CREDIT_BITS+:CREDIT_BITS])
`endif
            );
        end
    endgenerate

`ifdef FORMAL
    assign probe_push = whole;
    assign probe_full = full;
`endif
endmodule
