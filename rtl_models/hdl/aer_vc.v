// The VC rule: the virtual channel that a packet takes behind an output port. No registers.
`include "neurosim_params.vh"
module aer_vc (
    input  wire [         3:0] crosses,   // the link behind this direction joins two chips
    input  wire [         3:0] wraps,     // ... closes a ring
    input  wire [`PORT_BITS-1:0] in_port,
    input  wire [  `VC_BITS-1:0] in_vc,
    input  wire [`PORT_BITS-1:0] out_port,
    output wire [  `VC_BITS-1:0] vc
);
    localparam VB = `VC_BITS;
    localparam [`PORT_BITS-1:0] LOCAL = `PORT_LOCAL;

    wire is_direction = out_port < LOCAL;
    generate
        if (`ROUTER_VC_POLICY == `ROUTER_VC_POLICY_CROSSINGS) begin : vc_rule
            localparam [VB-1:0] ONE = 1;
            assign vc = is_direction & crosses[out_port[1:0]] ? ONE : in_vc;
        end else if (`ROUTER_VC_POLICY == `ROUTER_VC_POLICY_DATELINE) begin : vc_rule
            localparam [VB-1:0] ONE = 1;
            wire same_ring = in_port < LOCAL & is_direction & in_port[0] == out_port[0];
            assign vc = is_direction & wraps[out_port[1:0]] ? ONE : same_ring ? in_vc : {VB{1'b0}};
        end else begin : vc_rule
            assign vc = {VB{1'b0}};
        end
    endgenerate

    wire unused = &{1'b0, crosses, wraps, in_port, in_vc, is_direction};
endmodule
