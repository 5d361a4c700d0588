// Where a multicast packet goes next: by all ports of the router's entry for its tree, straight on without one; the
// VC of each copy by the VC rule, and what a copy that leaves the fabric adds to the axon. No registers.
`include "neurosim_params.vh"
module aer_branch (
    input  wire [                            3:0] crosses,  // see aer_vc
    input  wire [                            3:0] wraps,
    input  wire [    `TREE_SLOTS*`TREE_BITS-1:0] trees,    // see tree_table
    input  wire [                `FLIT_BITS-1:0] flit,
    input  wire [                `PORT_BITS-1:0] in_port,
    input  wire [                  `VC_BITS-1:0] in_vc,
    output wire [             `ROUTER_PORTS-1:0] branches, // output ports
    output wire [    `ROUTER_PORTS*`VC_BITS-1:0] vcs,      // of each
    output wire [          `TREE_AXONS_BITS-1:0] axons     // to add: LOCAL ports, then the host; 0 for none
);
    localparam P = `ROUTER_PORTS, PB = `PORT_BITS, VB = `VC_BITS, KB = `FLIT_KEY_BITS;
    localparam TW = `TREE_BITS, SLOTS = `TREE_SLOTS, L = `PORT_LOCAL;

    wire [KB-1:0] key = flit[`FLIT_KEY_LSB+:KB];

    // at most one entry is for this tree
    reg hit;
    reg [P-1:0] by_entry;
    reg [`TREE_AXONS_BITS-1:0] found;
    integer e;
    always @* begin
        hit = 1'b0;
        by_entry = {P{1'b0}};
        found = {`TREE_AXONS_BITS{1'b0}};
        for (e = 0; e < SLOTS; e = e + 1)
            if (trees[e*TW+`TREE_USED_LSB] & trees[e*TW+`TREE_KEY_LSB+:KB] == key) begin
                hit = 1'b1;
                by_entry = trees[e*TW+`TREE_PORTS_LSB+:P];
                found = trees[e*TW+`TREE_AXONS_LSB+:`TREE_AXONS_BITS];
            end
    end
    assign axons = found;

    genvar p;
    generate
        for (p = 0; p < P; p = p + 1) begin : port
            localparam integer PORT_NUMBER = p, ACROSS = (p + 2) % 4;  // the opposite direction
            localparam [PB-1:0] PORT = PORT_NUMBER[PB-1:0], FROM = ACROSS[PB-1:0];
            assign branches[p] = hit ? by_entry[p] : p < L & in_port == FROM;
            aer_vc vc_rule (
                .crosses(crosses), .wraps(wraps), .in_port(in_port), .in_vc(in_vc), .out_port(PORT),
                .vc(vcs[p*VB+:VB])
            );
        end
    endgenerate

    wire unused = &{1'b0, flit};
endmodule
