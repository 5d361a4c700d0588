// One router's routing table: exceptions to the routing rule, loaded from an image before reset ends.
// All entries at once, side by side: every input channel of the router compares its goal with all of them.
`include "neurosim_params.vh"
module route_table (
    output wire [`ROUTE_SLOTS*`ROUTE_BITS-1:0] routes
);
    /* verilator lint_off UNDRIVEN */ // loaded from images
    reg [`ROUTE_BITS-1:0] entries[0:`ROUTE_SLOTS-1];
    /* verilator lint_on UNDRIVEN */
    genvar e;
    generate
        for (e = 0; e < `ROUTE_SLOTS; e = e + 1) begin : slot
            assign routes[e*`ROUTE_BITS+:`ROUTE_BITS] = `ROUTER_TABLE_ENTRIES > 0 ? entries[e] : {`ROUTE_BITS{1'b0}};
        end
    endgenerate
endmodule
