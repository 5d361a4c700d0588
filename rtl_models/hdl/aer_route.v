// Where a packet goes next: output port by the routing rule, output VC by the VC rule. No registers.
// An entry of the router's table for the packet's tile takes their place: the port, and the VC if it fixes one.
`include "neurosim_params.vh"
module aer_route (
    input  wire [ `FLIT_X_BITS-1:0] x,
    input  wire [ `FLIT_Y_BITS-1:0] y,
    input  wire [              3:0] crosses,    // the link behind this direction joins two chips
    input  wire [              3:0] wraps,      // ... closes a ring
    input  wire [`ROUTE_SLOTS*`ROUTE_BITS-1:0] routes,  // see route_table
    input  wire [ `FLIT_BITS-1:0]   flit,
    input  wire [   `PORT_BITS-1:0] in_port,
    input  wire [     `VC_BITS-1:0] in_vc,
    output wire [   `PORT_BITS-1:0] out_port,
    output wire [     `VC_BITS-1:0] out_vc
);
    localparam XB = `FLIT_X_BITS, YB = `FLIT_Y_BITS, PB = `PORT_BITS, VB = `VC_BITS;
    localparam [PB-1:0] EAST = `PORT_EAST, NORTH = `PORT_NORTH, WEST = `PORT_WEST, SOUTH = `PORT_SOUTH;

    wire [XB-1:0] goal_x = flit[`FLIT_X_LSB+:XB];
    wire [YB-1:0] goal_y = flit[`FLIT_Y_LSB+:YB];
    wire [PB-1:0] exit_port = flit[`FLIT_EXIT_LSB+:PB];

    wire [PB-1:0] by_rule;
    wire [VB-1:0] by_policy;

    generate
        if (`ROUTER_ROUTING == `ROUTER_ROUTING_YX) begin : port_rule
            assign by_rule = y != goal_y ? (goal_y > y ? NORTH : SOUTH)
                            : x != goal_x ? (goal_x > x ? EAST : WEST) : exit_port;
        end else if (`ROUTER_ROUTING == `ROUTER_ROUTING_TORUS_XY) begin : port_rule
            // the shorter way round each ring; a tie goes EAST or NORTH
            localparam [XB+1:0] WIDTH = `SYSTEM_WIDTH;
            localparam [YB+1:0] HEIGHT = `SYSTEM_HEIGHT;
            wire [XB+1:0] x_up = {2'b0, goal_x} + (goal_x < x ? WIDTH : {XB + 2{1'b0}}) - {2'b0, x};
            wire [YB+1:0] y_up = {2'b0, goal_y} + (goal_y < y ? HEIGHT : {YB + 2{1'b0}}) - {2'b0, y};
            assign by_rule = x != goal_x ? ({x_up[XB:0], 1'b0} <= WIDTH ? EAST : WEST)
                            : y != goal_y ? ({y_up[YB:0], 1'b0} <= HEIGHT ? NORTH : SOUTH) : exit_port;
            wire unused_carry = &{1'b0, x_up[XB+1], y_up[YB+1]};
        end else if (`ROUTER_ROUTING == `ROUTER_ROUTING_HIERARCHICAL_XY) begin : port_rule
            // coordinates of the chips, and of the first tile of this router's chip
            wire [XB-1:0] chip_x, goal_chip_x, base_x;
            wire [YB-1:0] chip_y, goal_chip_y, base_y;
            chip_place #(
                .BITS(XB), .TILES(`MESH_WIDTH), .ALL(`SYSTEM_WIDTH)
            ) place_x (
                .at(x), .goal(goal_x), .chip(chip_x), .base(base_x), .goal_chip(goal_chip_x)
            );
            chip_place #(
                .BITS(YB), .TILES(`MESH_HEIGHT), .ALL(`SYSTEM_HEIGHT)
            ) place_y (
                .at(y), .goal(goal_y), .chip(chip_y), .base(base_y), .goal_chip(goal_chip_y)
            );
            localparam integer LAST_COLUMN = `MESH_WIDTH - 1, LAST_ROW = `MESH_HEIGHT - 1;
            localparam [XB-1:0] LAST_X = LAST_COLUMN[XB-1:0], GATE_X = `LINK_GATEWAYS_COLUMN;
            localparam [YB-1:0] LAST_Y = LAST_ROW[YB-1:0], GATE_Y = `LINK_GATEWAYS_ROW;
            wire goes_x = chip_x != goal_chip_x;
            wire goes_y = ~goes_x & (chip_y != goal_chip_y);
            wire [PB-1:0] side = goes_x ? (goal_chip_x > chip_x ? EAST : WEST) : goal_chip_y > chip_y ? NORTH : SOUTH;
            wire [XB-1:0] target_x = goes_x ? base_x + (side == EAST ? LAST_X : {XB{1'b0}})
                                   : goes_y ? base_x + GATE_X : goal_x;
            wire [YB-1:0] target_y = goes_x ? base_y + GATE_Y
                                   : goes_y ? base_y + (side == NORTH ? LAST_Y : {YB{1'b0}}) : goal_y;
            wire [PB-1:0] target_exit = goes_x | goes_y ? side : exit_port;
            assign by_rule = x != target_x ? (target_x > x ? EAST : WEST)
                            : y != target_y ? (target_y > y ? NORTH : SOUTH) : target_exit;
        end else begin : port_rule
            assign by_rule = x != goal_x ? (goal_x > x ? EAST : WEST)
                            : y != goal_y ? (goal_y > y ? NORTH : SOUTH) : exit_port;
        end
    endgenerate

    // at most one entry is for this tile
    localparam RW = `ROUTE_BITS, SLOTS = `ROUTE_SLOTS;
    generate
        if (`ROUTER_TABLE_ENTRIES > 0) begin : exceptions
            reg hit, fixes;
            reg [1:0] direction;
            reg [VB-1:0] vc;
            integer e;
            always @* begin
                hit = 1'b0;
                fixes = 1'b0;
                direction = 2'b0;
                vc = {VB{1'b0}};
                for (e = 0; e < SLOTS; e = e + 1)
                    if (routes[e*RW+`ROUTE_USED_LSB] & routes[e*RW+`ROUTE_X_LSB+:XB] == goal_x
                        & routes[e*RW+`ROUTE_Y_LSB+:YB] == goal_y) begin
                        hit = 1'b1;
                        fixes = routes[e*RW+`ROUTE_FIXES_LSB];
                        direction = routes[e*RW+`ROUTE_PORT_LSB+:`ROUTE_PORT_BITS];
                        vc = routes[e*RW+`ROUTE_VC_LSB+:VB];
                    end
            end
            assign out_port = hit ? {{PB - 2{1'b0}}, direction} : by_rule;
            assign out_vc = fixes ? vc : by_policy;
        end else begin : exceptions
            assign out_port = by_rule;
            assign out_vc = by_policy;
        end
    endgenerate

    aer_vc vc_rule (
        .crosses(crosses), .wraps(wraps), .in_port(in_port), .in_vc(in_vc), .out_port(out_port), .vc(by_policy)
    );

    wire unused = &{1'b0, routes, flit, by_policy};
endmodule
