// All routers of a system, one per tile, chips side by side, with the links between them and to cores and host.
// The wiring is that of neurosim/fabric/topology.py; every latency of the contract is a delay_line or chip_link here.
`include "neurosim_params.vh"
module neuro_mesh #(
    parameter LOCAL_CREDITS = `CORE_RX_FLITS  // slots per VC of a core's receive FIFO
) (
    input  wire clk,
    input  wire rst,
    input  wire [`N_CORES-1:0] core_tx_valid,
    input  wire [`N_CORES*`FLIT_BITS-1:0] core_tx_flit,
    output wire [`N_CORES-1:0] core_tx_credit,
    output wire [`N_CORES-1:0] core_rx_valid,
    output wire [`N_CORES*`FLIT_BITS-1:0] core_rx_flit,
    output wire [`N_CORES*`VC_BITS-1:0] core_rx_vc,
    input  wire [`N_CORES*`ROUTER_VIRTUAL_CHANNELS*`CREDIT_RETURN_BITS-1:0] core_rx_credit,
    input  wire host_tx_valid,
    input  wire [`FLIT_BITS-1:0] host_tx_flit,
    output wire host_tx_credit,
    output wire host_rx_valid,
    output wire [`FLIT_BITS-1:0] host_rx_flit,
    output wire [`VC_BITS-1:0] host_rx_vc,
    input  wire [`ROUTER_VIRTUAL_CHANNELS*`CREDIT_RETURN_BITS-1:0] host_rx_credit,
    output wire [`N_TILES*`ROUTER_PORTS*`ROUTER_VIRTUAL_CHANNELS-1:0] dropped,
    output wire [`N_TILES*$clog2(`ROUTER_PORTS+1)-1:0] copied  // packets that multicast has made more of, per tile
);
    localparam [255:0] CHIP_DIGEST = `CHIP_DIGEST;
    localparam P = `ROUTER_PORTS, V = `ROUTER_VIRTUAL_CHANNELS, W = `FLIT_BITS, VB = `VC_BITS;
    localparam RB = `CREDIT_RETURN_BITS, N = `N_TILES, K = `MESH_CORES_PER_TILE, L = `PORT_LOCAL;
    localparam SW = `SYSTEM_WIDTH, SH = `SYSTEM_HEIGHT, CW = `MESH_WIDTH, CH = `MESH_HEIGHT;
    localparam TORUS = `MESH_TOPOLOGY == `MESH_TOPOLOGY_TORUS;
    localparam NB = $clog2(P + 1);
    localparam HOST_AT = `HOST_PRESENT ? `HOST_TILE * P + `HOST_SIDE : -1;

    // what leaves and enters a router, by tile * P + port
    wire out_valid[0:N*P-1], in_valid[0:N*P-1];
    wire [W-1:0] out_flit[0:N*P-1], in_flit[0:N*P-1];
    wire [VB-1:0] out_vc[0:N*P-1], in_vc[0:N*P-1];
    wire [V-1:0] freed[0:N*P-1];         // slots of the input channels of this port
    wire [V*RB-1:0] returned[0:N*P-1];   // slots behind this output port

    genvar t, p, v;
    generate
        for (t = 0; t < N; t = t + 1) begin : tile
            localparam integer X = t % SW, Y = t / SW;
            wire [P-1:0] router_in_valid, router_out_valid;
            wire [P*W-1:0] router_in_flit, router_out_flit;
            wire [P*VB-1:0] router_in_vc, router_out_vc;
            wire [P*V-1:0] credit_out;
            wire [P*V*RB-1:0] credit_in;
            wire [3:0] crosses, wraps, to_host;
            wire [`ROUTE_SLOTS*`ROUTE_BITS-1:0] routes;
            wire [`TREE_SLOTS*`TREE_BITS-1:0] trees;

            route_table memory (.routes(routes));
            tree_table tree_memory (.trees(trees));
            aer_router #(
                .LOCAL_CREDITS(LOCAL_CREDITS)
            ) router (
                .clk(clk),
                .rst(rst),
                .x(X[`FLIT_X_BITS-1:0]),
                .y(Y[`FLIT_Y_BITS-1:0]),
                .crosses(crosses),
                .wraps(wraps),
                .to_host(to_host),
                .routes(routes),
                .trees(trees),
                .in_valid(router_in_valid),
                .in_flit(router_in_flit),
                .in_vc(router_in_vc),
                .credit_out(credit_out),
                .out_valid(router_out_valid),
                .out_flit(router_out_flit),
                .out_vc(router_out_vc),
                .credit_in(credit_in),
                .dropped(dropped[t*P*V+:P*V])
            );

            // what left, but for what left for good
            if (`ROUTER_MULTICAST_ENTRIES > 0) begin : count
                reg [NB-1:0] more;
                integer i;
                always @* begin
                    more = {NB{1'b0}};
                    for (i = 0; i < P; i = i + 1) more = more + {{NB - 1{1'b0}}, router_out_valid[i]};
                    for (i = 0; i < P * V; i = i + 1) more = more - {{NB - 1{1'b0}}, credit_out[i]};
                end
                assign copied[t*NB+:NB] = more;
            end else begin : no_copies
                assign copied[t*NB+:NB] = {NB{1'b0}};
            end

            for (p = 0; p < P; p = p + 1) begin : port
                assign router_in_valid[p] = in_valid[t*P+p];
                assign router_in_flit[p*W+:W] = in_flit[t*P+p];
                assign router_in_vc[p*VB+:VB] = in_vc[t*P+p];
                assign credit_in[p*V*RB+:V*RB] = returned[t*P+p];
                assign out_valid[t*P+p] = router_out_valid[p];
                assign out_flit[t*P+p] = router_out_flit[p*W+:W];
                assign out_vc[t*P+p] = router_out_vc[p*VB+:VB];
                assign freed[t*P+p] = credit_out[p*V+:V];
            end

            // the link behind each direction
            for (p = 0; p < L; p = p + 1) begin : link
                localparam IS_X = p == `PORT_EAST || p == `PORT_WEST;
                localparam NX = X + (p == `PORT_EAST ? 1 : 0) - (p == `PORT_WEST ? 1 : 0);
                localparam NY = Y + (p == `PORT_NORTH ? 1 : 0) - (p == `PORT_SOUTH ? 1 : 0);
                localparam WRAPS = NX < 0 || NX >= SW || NY < 0 || NY >= SH;
                localparam RING = IS_X ? SW : SH;
                localparam TX = (NX + SW) % SW, TY = (NY + SH) % SH;
                localparam CROSSES = !WRAPS && (TX / CW != X / CW || TY / CH != Y / CH);
                localparam AT_GATEWAY = IS_X ? Y % CH == `LINK_GATEWAYS_ROW : X % CW == `LINK_GATEWAYS_COLUMN;
                localparam OPEN = !CROSSES || (`LINK_PRESENT && (!`LINK_GATEWAYS_PRESENT || AT_GATEWAY));
                localparam LINKED = OPEN && (!WRAPS || (TORUS && RING > 1));
                localparam HERE = t * P + p;
                localparam THERE = (TY * SW + TX) * P + (p + 2) % 4;  // the opposite port of the neighbour
                localparam HOP = IS_X ? `ROUTER_HOP_CYCLES_EAST_WEST : `ROUTER_HOP_CYCLES_NORTH_SOUTH;
                assign crosses[p] = LINKED && CROSSES;
                assign wraps[p] = LINKED && WRAPS;
                assign to_host[p] = HERE == HOST_AT;

                if (LINKED) begin : wired
                    wire [V-1:0] credit;
                    if (CROSSES) begin : off_chip
                        chip_link #(
                            .FLIT_BITS(W),
                            .VC_BITS(VB),
                            .CREDITS(V),
                            .DELAY(HOP + `LINK_LATENCY_CYCLES + `LINK_SYNCHRONISER_CYCLES - 1),
                            .CYCLES_PER_FLIT(`LINK_CYCLES_PER_FLIT),
                            .CREDIT_DELAY(`LINK_CREDIT_CYCLES - 1)
                        ) wires (
                            .clk(clk),
                            .rst(rst),
                            .in_valid(out_valid[HERE]),
                            .in_flit(out_flit[HERE]),
                            .in_vc(out_vc[HERE]),
                            .out_valid(in_valid[THERE]),
                            .out_flit(in_flit[THERE]),
                            .out_vc(in_vc[THERE]),
                            .credit_in(freed[THERE]),
                            .credit_out(credit)
                        );
                    end else begin : on_chip
                        delay_line #(
                            .WIDTH(1 + VB + W),
                            .CYCLES(HOP - 1)
                        ) wires (
                            .clk(clk),
                            .rst(rst),
                            .in ({out_valid[HERE], out_vc[HERE], out_flit[HERE]}),
                            .out({in_valid[THERE], in_vc[THERE], in_flit[THERE]})
                        );
                        delay_line #(
                            .WIDTH(V),
                            .CYCLES(`ROUTER_CREDIT_CYCLES - 1)
                        ) credit_wires (
                            .clk(clk),
                            .rst(rst),
                            .in (freed[THERE]),
                            .out(credit)
                        );
                    end
                    for (v = 0; v < V; v = v + 1) begin : channel
                        assign returned[HERE][v*RB+:RB] = {{RB - 1{1'b0}}, credit[v]};
                    end
                end else if (HERE == HOST_AT) begin : host
                    delay_line #(
                        .WIDTH(1 + VB + W),
                        .CYCLES(`HOST_LATENCY_CYCLES - 1)
                    ) from_router (
                        .clk(clk),
                        .rst(rst),
                        .in ({out_valid[HERE], out_vc[HERE], out_flit[HERE]}),
                        .out({host_rx_valid, host_rx_vc, host_rx_flit})
                    );
                    delay_line #(
                        .WIDTH(1 + W),
                        .CYCLES(`HOST_LATENCY_CYCLES - 1)
                    ) to_router (
                        .clk(clk),
                        .rst(rst),
                        .in ({host_tx_valid, host_tx_flit}),
                        .out({in_valid[HERE], in_flit[HERE]})
                    );
                    assign in_vc[HERE] = {VB{1'b0}};
                    delay_line #(
                        .WIDTH(V * RB + 1),
                        .CYCLES(`HOST_CREDIT_CYCLES - 1)
                    ) credit_wires (
                        .clk(clk),
                        .rst(rst),
                        .in ({host_rx_credit, freed[HERE][0]}),
                        .out({returned[HERE], host_tx_credit})
                    );
                end else begin : nothing
                    assign returned[HERE] = {V * RB{1'b0}};
                end
                // nothing comes in where no link leads to
                if (!LINKED && HERE != HOST_AT) begin : silent
                    assign in_valid[HERE] = 1'b0;
                    assign in_flit[HERE] = {W{1'b0}};
                    assign in_vc[HERE] = {VB{1'b0}};
                end
            end

            for (p = 0; p < K; p = p + 1) begin : local_port
                localparam HERE = t * P + L + p, CORE = t * K + p;
                delay_line #(
                    .WIDTH(1 + VB + W),
                    .CYCLES(`ROUTER_HOP_CYCLES_LOCAL - 1)
                ) from_router (
                    .clk(clk),
                    .rst(rst),
                    .in ({out_valid[HERE], out_vc[HERE], out_flit[HERE]}),
                    .out({core_rx_valid[CORE], core_rx_vc[CORE*VB+:VB], core_rx_flit[CORE*W+:W]})
                );
                delay_line #(
                    .WIDTH(1 + W),
                    .CYCLES(`ROUTER_INJECTION_CYCLES - 1)
                ) to_router (
                    .clk(clk),
                    .rst(rst),
                    .in ({core_tx_valid[CORE], core_tx_flit[CORE*W+:W]}),
                    .out({in_valid[HERE], in_flit[HERE]})
                );
                assign in_vc[HERE] = {VB{1'b0}};
                delay_line #(
                    .WIDTH(V * RB + 1),
                    .CYCLES(`ROUTER_CREDIT_CYCLES - 1)
                ) credit_wires (
                    .clk(clk),
                    .rst(rst),
                    .in ({core_rx_credit[CORE*V*RB+:V*RB], freed[HERE][0]}),
                    .out({returned[HERE], core_tx_credit[CORE]})
                );
            end
        end

        if (!`HOST_PRESENT) begin : no_host
            assign host_tx_credit = 1'b0;
            assign host_rx_valid = 1'b0;
            assign host_rx_flit = {W{1'b0}};
            assign host_rx_vc = {VB{1'b0}};
            wire unused = &{1'b0, host_tx_valid, host_tx_flit, host_rx_credit};
        end
    endgenerate

    wire unused = &{1'b0, CHIP_DIGEST};
endmodule
