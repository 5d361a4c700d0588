// Input-queued router: virtual channels, credits, wormhole switching, multicast (see aer_router.md for the stage table).
// A "channel" is port * VCS + vc. One-bit tables of output channels are indexed {vc, port}. Without multicast a packet
// goes one way, which is kept as a number; with it, a set of branches.
`include "neurosim_params.vh"
module aer_router #(
    parameter LOCAL_CREDITS = `CORE_RX_FLITS  // slots per VC behind a LOCAL port
) (
    input  wire clk,
    input  wire rst,
    // constants of the place: inputs, so that all routers are copies of one module
    input  wire [`FLIT_X_BITS-1:0] x,
    input  wire [`FLIT_Y_BITS-1:0] y,
    input  wire [3:0] crosses,  // this direction's link joins two chips
    input  wire [3:0] wraps,    // ... closes a ring
    input  wire [3:0] to_host,  // the host hangs on this direction
    input  wire [`ROUTE_SLOTS*`ROUTE_BITS-1:0] routes,  // the router's table
    input  wire [`TREE_SLOTS*`TREE_BITS-1:0] trees,     // ... of multicast
    input  wire [`ROUTER_PORTS-1:0] in_valid,
    input  wire [`ROUTER_PORTS*`FLIT_BITS-1:0] in_flit,
    input  wire [`ROUTER_PORTS*`VC_BITS-1:0] in_vc,
    output reg  [`ROUTER_PORTS*`ROUTER_VIRTUAL_CHANNELS-1:0] credit_out,
    output reg  [`ROUTER_PORTS-1:0] out_valid,
    output reg  [`ROUTER_PORTS*`FLIT_BITS-1:0] out_flit,
    output reg  [`ROUTER_PORTS*`VC_BITS-1:0] out_vc,
    input  wire [`ROUTER_PORTS*`ROUTER_VIRTUAL_CHANNELS*`CREDIT_RETURN_BITS-1:0] credit_in,
    output reg  [`ROUTER_PORTS*`ROUTER_VIRTUAL_CHANNELS-1:0] dropped  // the tail of a packet was thrown away
);
    localparam P = `ROUTER_PORTS, V = `ROUTER_VIRTUAL_CHANNELS, C = P * V;
    localparam W = `FLIT_BITS, PB = `PORT_BITS, VB = `VC_BITS, OB = VB + PB, O = 1 << OB;
    localparam DEPTH = `ROUTER_BUFFER_FLITS, LB = $clog2(DEPTH + 1);
    localparam SLOTS = DEPTH > LOCAL_CREDITS ? DEPTH : LOCAL_CREDITS, CB = $clog2(SLOTS + 1);
    localparam RB = `CREDIT_RETURN_BITS, HEAD = `FLIT_HEAD_LSB, TAIL = `FLIT_TAIL_LSB;
    localparam FIXED = `ROUTER_ARBITER == `ROUTER_ARBITER_FIXED_PRIORITY;
    localparam ONE_WINNER = `ROUTER_ARBITER == `ROUTER_ARBITER_ONE_WINNER_PER_ROUTER;
    localparam DROP_AFTER = `ROUTER_DROP_AFTER_CYCLES;
    localparam MULTICAST = `ROUTER_MULTICAST_ENTRIES > 0, AXB = `FLIT_LEAF_BITS, AB = `TREE_AXONS_BITS;

    // per input channel
    wire [C-1:0] waiting, head, tail, movable, moves, discards;
    wire [C*W-1:0] front;
    wire [C*OB-1:0] want;            // {vc, port}; of a packet to a tree it says nothing
    wire [C*P-1:0] owes, asks;       // with multicast: copies not sent yet, and those that can move
    wire [C*P*VB-1:0] branch_vc;     // ... the VC of each
    wire [C*AB-1:0] axons;           // ... what copies add where they leave the fabric
    wire [C*LB-1:0] length;          // state
    reg  [C*OB-1:0] kept_want;       // state: what the packet whose head has moved wants
    wire [C-1:0] dropping;           // state
    // per output channel, index {vc, port}
    wire [O-1:0] open;               // has a credit, and its port is free
    reg  [O-1:0] owned;              // state: between head and tail of a packet
    // per input port
    wire [P-1:0] proposes, accepted;
    wire [C-1:0] chosen;             // the one VC that each input port proposes
    wire [P*W-1:0] port_flit;
    wire [P*OB-1:0] port_want;
    wire [P*P-1:0] port_asks;        // of the chosen channels: [input * P + output]
    wire [P*P*VB-1:0] port_vc;
    wire [P*AB-1:0] port_axons;
    wire [P*P-1:0] taken;            // [input * P + output]
    wire [P*VB-1:0] vc_pointer;      // state
    // per output port
    wire [P-1:0] asked, acts;
    wire [P*P-1:0] grant;            // [output * P + input]
    wire [P-1:0] port_free;
    wire [P*PB-1:0] port_pointer;    // state
    wire [PB-1:0] router_pointer;    // state
    wire [O*CB-1:0] credits;         // state, index {vc, port}

    genvar p, v, i;
    generate
        for (p = 0; p < P; p = p + 1) begin : input_port
            for (v = 0; v < V; v = v + 1) begin : channel
                localparam N = p * V + v;
                localparam integer PORT_NUMBER = p, VC_NUMBER = v;
                localparam [PB-1:0] PORT = PORT_NUMBER[PB-1:0];
                localparam [VB-1:0] VC = VC_NUMBER[VB-1:0];
                wire [OB-1:0] routed;
                wire [W-1:0] flit;
                sync_fifo #(
                    .WIDTH(W),
                    .DEPTH(DEPTH),
                    .COUNT_BITS(LB)
                ) fifo (
                    .clk(clk),
                    .rst(rst),
                    .push(in_valid[p] & in_vc[p*VB+:VB] == VC),
                    .push_data(in_flit[p*W+:W]),
                    .pop(moves[N] | discards[N]),
                    .front_valid(waiting[N]),
                    .front(flit),
                    .count(length[N*LB+:LB])
                );
                aer_route route (
                    .x(x),
                    .y(y),
                    .crosses(crosses),
                    .wraps(wraps),
                    .routes(routes),
                    .flit(flit),
                    .in_port(PORT),
                    .in_vc(VC),
                    .out_port(routed[PB-1:0]),
                    .out_vc(routed[OB-1:PB])
                );
                assign front[N*W+:W] = flit;
                assign head[N] = flit[HEAD];
                assign tail[N] = flit[TAIL];
                if (MULTICAST) begin : copies
                    // every flit is a head and a tail, so that nothing is ever owned; one way is one branch
                    wire is_tree = flit[`FLIT_TREE_LSB];
                    wire [P-1:0] branches;
                    wire [P*VB-1:0] vcs;
                    localparam [P-1:0] FIRST = 1;
                    aer_branch branch (
                        .crosses(crosses),
                        .wraps(wraps),
                        .trees(trees),
                        .flit(flit),
                        .in_port(PORT),
                        .in_vc(VC),
                        .branches(branches),
                        .vcs(vcs),
                        .axons(axons[N*AB+:AB])
                    );
                    owed_branches #(
                        .PORTS(P)
                    ) owed (
                        .clk(clk),
                        .rst(rst),
                        .branches(is_tree ? branches : FIRST << routed[PB-1:0]),
                        .taken(taken[p*P+:P] & {P{chosen[N]}}),
                        .owes(owes[N*P+:P]),
                        .leaves(moves[N])
                    );
                    for (i = 0; i < P; i = i + 1) begin : way
                        localparam integer WAY_NUMBER = i;
                        localparam [PB-1:0] WAY = WAY_NUMBER[PB-1:0];
                        wire [VB-1:0] way_vc = is_tree ? vcs[i*VB+:VB] : routed[OB-1:PB];
                        assign branch_vc[(N*P+i)*VB+:VB] = way_vc;
                        assign asks[N*P+i] = waiting[N] & owes[N*P+i] & open[{way_vc, WAY}];
                    end
                    assign want[N*OB+:OB] = routed;
                    assign movable[N] = |asks[N*P+:P];
                end else begin : one_way
                    // a head flit is routed, a body flit follows it
                    assign want[N*OB+:OB] = flit[HEAD] ? routed : kept_want[N*OB+:OB];
                    // a body flit's output channel is owned by its own packet, or by nobody's
                    assign movable[N] = waiting[N] & ~dropping[N] & open[want[N*OB+:OB]]
                                      & ~(flit[HEAD] & owned[want[N*OB+:OB]]);
                    assign moves[N] = chosen[N] & accepted[p];
                    assign owes[N*P+:P] = {P{1'b0}};
                    assign asks[N*P+:P] = {P{1'b0}};
                    assign branch_vc[N*P*VB+:P*VB] = {P * VB{1'b0}};
                    assign axons[N*AB+:AB] = {AB{1'b0}};
                end
            end

            rr_arbiter #(
                .N(V),
                .INDEX_BITS(VB),
                .FIXED(FIXED)
            ) vc_arbiter (
                .clk(clk),
                .rst(rst),
                .request(movable[p*V+:V]),
                .moved(accepted[p]),
                .grant(chosen[p*V+:V]),
                .pointer(vc_pointer[p*VB+:VB])
            );
            assign proposes[p] = |movable[p*V+:V];
            one_hot_mux #(
                .N(V),
                .WIDTH(W)
            ) pick_flit (
                .select(chosen[p*V+:V]),
                .in(front[p*V*W+:V*W]),
                .out(port_flit[p*W+:W])
            );
            one_hot_mux #(
                .N(V),
                .WIDTH(OB)
            ) pick_want (
                .select(chosen[p*V+:V]),
                .in(want[p*V*OB+:V*OB]),
                .out(port_want[p*OB+:OB])
            );
            if (MULTICAST) begin : copies
                wire [V*(P*(1+VB)+AB)-1:0] channel_copies;
                one_hot_mux #(
                    .N(V),
                    .WIDTH(P * (1 + VB) + AB)
                ) pick_branches (
                    .select(chosen[p*V+:V]),
                    .in(channel_copies),
                    .out({port_asks[p*P+:P], port_vc[p*P*VB+:P*VB], port_axons[p*AB+:AB]})
                );
                for (v = 0; v < V; v = v + 1) begin : of
                    localparam N = p * V + v;
                    assign channel_copies[v*(P*(1+VB)+AB)+:P*(1+VB)+AB] =
                        {asks[N*P+:P], branch_vc[N*P*VB+:P*VB], axons[N*AB+:AB]};
                end
            end else begin : one_way
                assign port_axons[p*AB+:AB] = {AB{1'b0}};
            end
            for (i = 0; i < P; i = i + 1) begin : output_side
                localparam integer WAY_NUMBER = i;
                localparam [PB-1:0] WAY = WAY_NUMBER[PB-1:0];
                if (!MULTICAST) begin : one_way
                    assign port_asks[p*P+i] = proposes[p] & port_want[p*OB+:PB] == WAY;
                    assign port_vc[(p*P+i)*VB+:VB] = port_want[p*OB+PB+:VB];
                end
                assign taken[p*P+i] = grant[i*P+p] & acts[i];
            end
            assign accepted[p] = |taken[p*P+:P];
        end

        for (p = 0; p < P; p = p + 1) begin : output_port
            wire [P-1:0] request;
            wire [P*VB-1:0] request_vc;
            wire [P-1:0] winner = grant[p*P+:P] & {P{acts[p]}};
            wire [W-1:0] flit;
            wire [VB-1:0] target;  // VC
            for (i = 0; i < P; i = i + 1) begin : input_side
                assign request[i] = port_asks[i*P+p];
                assign request_vc[i*VB+:VB] = port_vc[(i*P+p)*VB+:VB];
            end
            assign asked[p] = |request;
            rr_arbiter #(
                .N(P),
                .INDEX_BITS(PB),
                .FIXED(FIXED)
            ) port_arbiter (
                .clk(clk),
                .rst(rst),
                .request(request),
                .moved(acts[p]),
                .grant(grant[p*P+:P]),
                .pointer(port_pointer[p*PB+:PB])
            );
            one_hot_mux #(
                .N(P),
                .WIDTH(W)
            ) pick_flit (
                .select(winner),
                .in(port_flit),
                .out(flit)
            );
            one_hot_mux #(
                .N(P),
                .WIDTH(VB)
            ) pick_target (
                .select(winner),
                .in(request_vc),
                .out(target)
            );
            wire is_crossing, is_host;
            if (p < `PORT_LOCAL) begin : direction
                assign is_crossing = crosses[p];
                assign is_host = to_host[p];
            end else begin : local_port
                assign is_crossing = 1'b0;
                assign is_host = 1'b0;
            end

            // a copy that leaves the fabric is a packet for an axon of its own
            wire [W-1:0] sent;
            if (MULTICAST && (p >= `PORT_LOCAL || (`HOST_PRESENT && p == `HOST_SIDE))) begin : leaf
                localparam SLOT = p < `PORT_LOCAL ? P - `PORT_LOCAL : p - `PORT_LOCAL;
                wire [P*AXB-1:0] leaf_axons;
                wire [AXB-1:0] more;
                wire is_end = flit[`FLIT_TREE_LSB] & (p >= `PORT_LOCAL | is_host);
                for (i = 0; i < P; i = i + 1) begin : input_side
                    assign leaf_axons[i*AXB+:AXB] = port_axons[i*AB+SLOT*AXB+:AXB];
                end
                one_hot_mux #(
                    .N(P),
                    .WIDTH(AXB)
                ) pick_axon (
                    .select(winner),
                    .in(leaf_axons),
                    .out(more)
                );
                wire [AXB-1:0] axon = flit[`FLIT_LEAF_LSB+:AXB] + (is_end ? more : {AXB{1'b0}});
                assign sent = {flit[W-1:`FLIT_LEAF_LSB+AXB], axon, flit[`FLIT_LEAF_LSB-1:0]};
            end else begin : no_leaf
                assign sent = flit;
            end

            wire sends = |winner;
            always @(posedge clk) begin
                out_valid[p] <= sends & ~rst;
                if (sends) begin
                    out_flit[p*W+:W]  <= sent;
                    out_vc[p*VB+:VB] <= target;
                end
            end

            for (v = 0; v < V; v = v + 1) begin : channel
                localparam integer VC_NUMBER = v;
                localparam [VB-1:0] VC = VC_NUMBER[VB-1:0];
                localparam N = p + (v << PB);
                localparam INITIAL = p < `PORT_LOCAL ? DEPTH : LOCAL_CREDITS;
                wire spend = sends & target == VC;
                wire available;
                credit_counter #(
                    .INITIAL(INITIAL),
                    .COUNT_BITS(CB),
                    .RETURN_BITS(RB)
                ) counter (
                    .clk(clk),
                    .rst(rst),
                    .returned(credit_in[(p*V+v)*RB+:RB]),
                    .spend(spend),
                    .available(available),
                    .count(credits[N*CB+:CB])
                );
                assign open[N] = available & port_free[p];
                always @(posedge clk)
                    if (rst) owned[N] <= 1'b0;
                    else if (spend) owned[N] <= ~flit[TAIL];
            end

            port_pace pace (
                .clk(clk),
                .rst(rst),
                .is_crossing(is_crossing),
                .is_host(is_host),
                .sends(sends),
                .is_free(port_free[p])
            );
        end

        // numbers {vc, port} that no channel has
        for (i = 0; i < O; i = i + 1) begin : hole
            if (i % (1 << PB) >= P || i / (1 << PB) >= V) begin : unused
                assign open[i] = 1'b0;
                assign credits[i*CB+:CB] = {CB{1'b0}};
                always @(posedge clk) owned[i] <= 1'b0;
            end
        end

        if (ONE_WINNER) begin : one_winner
            rr_arbiter #(
                .N(P),
                .INDEX_BITS(PB),
                .FIXED(0)
            ) router_arbiter (
                .clk(clk),
                .rst(rst),
                .request(asked),
                .moved(1'b1),
                .grant(acts),
                .pointer(router_pointer)
            );
        end else begin : all_outputs
            assign acts = asked;
            assign router_pointer = {PB{1'b0}};
        end

        for (i = 0; i < C; i = i + 1) begin : keep
            always @(posedge clk)
                if (waiting[i] & head[i]) kept_want[i*OB+:OB] <= want[i*OB+:OB];
        end

        if (DROP_AFTER == 0) begin : never_drop
            assign dropping = {C{1'b0}};
            assign discards = {C{1'b0}};
            always @(posedge clk) dropped <= {C{1'b0}};
        end else begin : drop
            for (i = 0; i < C; i = i + 1) begin : channel
                head_timer #(
                    .LIMIT(DROP_AFTER)
                ) timer (
                    .clk(clk),
                    .rst(rst),
                    .waiting(waiting[i]),
                    .is_head(head[i]),
                    .is_tail(tail[i]),
                    .moves(moves[i]),
                    .dropping(dropping[i]),
                    .discards(discards[i])
                );
                always @(posedge clk) dropped[i] <= discards[i] & tail[i] & ~rst;
            end
        end
    endgenerate

    always @(posedge clk) credit_out <= rst ? {C{1'b0}} : moves | discards;

    wire unused = &{1'b0, length, credits, vc_pointer, port_pointer, router_pointer, tail, trees, owes, asks, branch_vc,
        axons, port_want, port_axons, kept_want, owned, dropping, proposes};
endmodule
