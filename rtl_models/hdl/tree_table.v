// One router's multicast entries, loaded from an image before reset ends. All entries at once, side by side: every
// input channel of the router compares its tree's number with all of them.
`include "neurosim_params.vh"
module tree_table (
    output wire [`TREE_SLOTS*`TREE_BITS-1:0] trees
);
    /* verilator lint_off UNDRIVEN */ // loaded from images
    reg [`TREE_BITS-1:0] entries[0:`TREE_SLOTS-1];
    /* verilator lint_on UNDRIVEN */
    genvar e;
    generate
        for (e = 0; e < `TREE_SLOTS; e = e + 1) begin : slot
            assign trees[e*`TREE_BITS+:`TREE_BITS] = `ROUTER_MULTICAST_ENTRIES > 0 ? entries[e] : {`TREE_BITS{1'b0}};
        end
    endgenerate
endmodule
