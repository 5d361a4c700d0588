// The barrier of a whole system: a tree over the tiles of each chip, a tree over the chips, and the root.
// From the end of a step to the next token's arrival it takes BARRIER_CYCLES of the contract (see barrier.md).
`include "neurosim_params.vh"
module barrier (
    input  wire                                    clk,
    input  wire                                    rst,
    input  wire [            `IMAGE_STEP_BITS-1:0] n_steps,
    input  wire [`N_TILES*`IMAGE_BALANCE_BITS-1:0] balance,    // per tile
    output wire                                    token,      // to all cores and the host
    output wire                                    step_ends,
    output wire [            `IMAGE_STEP_BITS-1:0] ended,
    output wire                                    done
);
    localparam W = `IMAGE_BALANCE_BITS, CW = `MESH_WIDTH, CH = `MESH_HEIGHT, SW = `SYSTEM_WIDTH;
    localparam TILES = CW * CH;

    wire [`N_CHIPS*W-1:0] chip_totals;
    wire [W-1:0] total;
    wire root_token, chip_token;
    wire [`N_CHIPS-1:0] tokens;
    assign token = tokens[0];  // all chips' tokens come in the same cycle

    genvar c, t;
    generate
        for (c = 0; c < `N_CHIPS; c = c + 1) begin : chip
            wire [TILES*W-1:0] leaves;
            for (t = 0; t < TILES; t = t + 1) begin : tile
                localparam X = (c % `SYSTEM_CHIPS_X) * CW + t % CW, Y = (c / `SYSTEM_CHIPS_X) * CH + t / CW;
                assign leaves[t*W+:W] = balance[(Y*SW+X)*W+:W];
            end
            barrier_tree #(
                .LEAVES(TILES), .ARITY(`SYNC_TILE_TREE_ARITY), .LEVEL_CYCLES(`SYNC_TILE_LEVEL_CYCLES), .WIDTH(W)
            ) tiles (
                .clk(clk), .rst(rst), .balance(leaves), .total(chip_totals[c*W+:W]), .token(chip_token),
                .token_at_leaves(tokens[c])
            );
        end
    endgenerate
    barrier_tree #(
        .LEAVES(`N_CHIPS), .ARITY(`SYNC_CHIP_TREE_ARITY), .LEVEL_CYCLES(`SYNC_CHIP_LEVEL_CYCLES), .WIDTH(W)
    ) chips (
        .clk(clk), .rst(rst), .balance(chip_totals), .total(total), .token(root_token),
        .token_at_leaves(chip_token)
    );
    barrier_root #(
        .CORES(`N_CORES), .WIDTH(W), .STEP_BITS(`IMAGE_STEP_BITS), .UP_CYCLES(`IMAGE_BARRIER_UP_CYCLES),
        .WAIT_CYCLES(`IMAGE_BARRIER_WAIT_CYCLES), .TICK(`SYNC_MODE == `SYNC_MODE_TICK),
        .PERIOD(`SYNC_TICK_PERIOD_CYCLES)
    ) root (
        .clk(clk), .rst(rst), .n_steps(n_steps), .total(total), .token(root_token), .step_ends(step_ends),
        .ended(ended), .done(done)
    );

    wire unused = &{1'b0, tokens};
endmodule
