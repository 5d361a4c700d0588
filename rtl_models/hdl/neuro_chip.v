// A whole system: routers and links of all chips, a core at every LOCAL port, the barrier, and the host's end.
// Memories of the cores are loaded from images (see neuro_chip.md).
`include "neurosim_params.vh"
module neuro_chip (
    input  wire                        clk,
    input  wire                        rst,          // for at least IMAGE_RESET_CYCLES: it clears the states
    input  wire [                 4:0] weight_bits,
    input  wire [`IMAGE_STEP_BITS-1:0] sample_steps, // steps in which a population updates
    input  wire [`IMAGE_STEP_BITS-1:0] n_steps,      // steps of the whole sample
    // the host's memory
    input  wire [                31:0] list_length,
    input  wire [      `FLIT_BITS-1:0] list_packet,
    output wire                        list_next,
    // time steps
    output wire                        token,
    output wire                        step_ends,    // seen at the root, IMAGE_BARRIER_UP_CYCLES + 1 after it happened
    output wire [`IMAGE_STEP_BITS-1:0] ended,
    output wire                        done
);
    localparam N = `N_CORES, W = `FLIT_BITS, VB = `VC_BITS, RB = `ROUTER_VIRTUAL_CHANNELS * `CREDIT_RETURN_BITS;
    localparam BB = `IMAGE_BALANCE_BITS, K = `MESH_CORES_PER_TILE;
    localparam DROPS = `ROUTER_PORTS * `ROUTER_VIRTUAL_CHANNELS, NB = $clog2(`ROUTER_PORTS + 1);

    wire [N-1:0] core_tx_valid, core_tx_credit, core_rx_valid;
    wire [N*W-1:0] core_tx_flit, core_rx_flit;
    wire [N*VB-1:0] core_rx_vc;
    wire [N*RB-1:0] core_rx_credit;
    wire host_tx_valid, host_tx_credit, host_rx_valid, host_busy, host_injects;
    wire [W-1:0] host_tx_flit, host_rx_flit;
    wire [VB-1:0] host_rx_vc;
    wire [RB-1:0] host_rx_credit;
    wire [`N_TILES*DROPS-1:0] dropped;
    wire [`N_TILES*NB-1:0] copied;
    neuro_mesh mesh (
        .clk(clk), .rst(rst), .core_tx_valid(core_tx_valid), .core_tx_flit(core_tx_flit),
        .core_tx_credit(core_tx_credit), .core_rx_valid(core_rx_valid), .core_rx_flit(core_rx_flit),
        .core_rx_vc(core_rx_vc), .core_rx_credit(core_rx_credit), .host_tx_valid(host_tx_valid),
        .host_tx_flit(host_tx_flit), .host_tx_credit(host_tx_credit), .host_rx_valid(host_rx_valid),
        .host_rx_flit(host_rx_flit), .host_rx_vc(host_rx_vc), .host_rx_credit(host_rx_credit),
        .dropped(dropped), .copied(copied)
    );

    wire rx_valid[0:N-1], tx_valid[0:N-1], tx_credit[0:N-1];
    wire [W-1:0] rx_flit[0:N-1], tx_flit[0:N-1];
    wire [VB-1:0] rx_vc[0:N-1];
    wire [RB-1:0] rx_credit[0:N-1];
    wire [BB-1:0] core_balance[0:N-1];
    genvar c, t;
    generate
        for (c = 0; c < N; c = c + 1) begin : core
            // arrays keep Verilator from making every core a copy of its own
            assign rx_valid[c] = core_rx_valid[c];
            assign rx_flit[c] = core_rx_flit[c*W+:W];
            assign rx_vc[c] = core_rx_vc[c*VB+:VB];
            assign tx_credit[c] = core_tx_credit[c];
            assign core_tx_valid[c] = tx_valid[c];
            assign core_tx_flit[c*W+:W] = tx_flit[c];
            assign core_rx_credit[c*RB+:RB] = rx_credit[c];
            neuron_core unit (
                .clk(clk), .rst(rst), .weight_bits(weight_bits), .sample_steps(sample_steps),
                .rx_valid(rx_valid[c]), .rx_flit(rx_flit[c]), .rx_vc(rx_vc[c]), .rx_credit(rx_credit[c]),
                .tx_valid(tx_valid[c]), .tx_flit(tx_flit[c]), .tx_credit(tx_credit[c]), .token(token),
                .balance(core_balance[c])
            );
        end
    endgenerate

    wire [BB-1:0] host_balance;
    host_port host (
        .clk(clk), .rst(rst), .token(token), .list_length(list_length), .list_packet(list_packet),
        .list_next(list_next), .tx_valid(host_tx_valid), .tx_flit(host_tx_flit), .tx_credit(host_tx_credit),
        .rx_valid(host_rx_valid), .rx_flit(host_rx_flit), .rx_vc(host_rx_vc), .rx_credit(host_rx_credit),
        .balance(host_balance), .busy(host_busy), .injects(host_injects)
    );

    // a tile's leaf of the barrier: its cores, the packets its router dropped, less the copies that it made, and the host
    // where it hangs
    wire [`N_TILES*BB-1:0] balance;
    generate
        for (t = 0; t < `N_TILES; t = t + 1) begin : tile
            reg [BB-1:0] lost, lost_now, sum;
            wire [K*BB-1:0] cores;
            integer k;
            for (c = 0; c < K; c = c + 1) begin : core_leaf
                assign cores[c*BB+:BB] = core_balance[t*K+c];
            end
            always @* begin
                lost_now = {BB{1'b0}} - {{BB - NB{1'b0}}, copied[t*NB+:NB]};
                for (k = 0; k < DROPS; k = k + 1) lost_now = lost_now + {{BB - 1{1'b0}}, dropped[t*DROPS+k]};
                sum = (t == `HOST_TILE ? host_balance : {BB{1'b0}}) - lost - lost_now;
                for (k = 0; k < K; k = k + 1) sum = sum + cores[k*BB+:BB];
            end
            always @(posedge clk) lost <= rst ? {BB{1'b0}} : lost + lost_now;
            assign balance[t*BB+:BB] = sum;
        end
    endgenerate

    barrier steps (
        .clk(clk), .rst(rst), .n_steps(n_steps), .balance(balance), .token(token), .step_ends(step_ends),
        .ended(ended), .done(done)
    );

    wire unused = &{1'b0, host_busy, host_injects};
endmodule
