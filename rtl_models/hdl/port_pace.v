// Keeps an output port free of flits for its cycles per flit. What hangs on the port is data, so that all
// routers are copies of one module.
`include "neurosim_params.vh"
module port_pace (
    input  wire clk,
    input  wire rst,
    input  wire is_crossing,  // a link to another chip hangs on the port
    input  wire is_host,
    input  wire sends,        // a flit leaves in this cycle
    output wire is_free
);
    localparam AT_HOST = `HOST_PRESENT ? `HOST_CYCLES_PER_FLIT : 1;
    localparam AT_LINK = `LINK_PRESENT ? `LINK_CYCLES_PER_FLIT : 1;
    localparam HERE = `ROUTER_CYCLES_PER_FLIT;
    localparam MOST_OUTSIDE = AT_HOST > AT_LINK ? AT_HOST : AT_LINK;
    localparam MOST = HERE > MOST_OUTSIDE ? HERE : MOST_OUTSIDE;
    localparam BITS = MOST > 1 ? $clog2(MOST) : 1;
    localparam integer HOST_REST = AT_HOST - 1, LINK_REST = AT_LINK - 1, OWN_REST = HERE - 1;

    generate
        if (MOST == 1) begin : always_free
            assign is_free = 1'b1;
            wire unused = &{1'b0, clk, rst, is_crossing, is_host, sends};
        end else begin : counted
            reg [BITS-1:0] rest;
            assign is_free = rest == {BITS{1'b0}};
            always @(posedge clk)
                if (rst) rest <= {BITS{1'b0}};
                else if (sends) rest <= is_host ? HOST_REST[BITS-1:0] : is_crossing ? LINK_REST[BITS-1:0] : OWN_REST[BITS-1:0];
                else if (~is_free) rest <= rest - 1'b1;
        end
    endgenerate
endmodule
