// Two cores and the packets between them, as wild as the contract allows, under a real tree and root: no token reaches the
// cores while a loop runs, a start waits or a packet is on its way.
module barrier_props #(
    parameter WAIT = 1
) (
    input wire clk,
    input wire rst,
    input wire [1:0] sends,     // what the environment would like to do in this cycle
    input wire [1:0] consumes,
    input wire [1:0] ends,
    input wire [3:0] n_steps
);
    localparam W = 6, UP = 1;
    // the cores
    reg [1:0] running;
    reg [2:0] in_flight;
    reg [W-1:0] balance0, balance1;
    wire token, at_leaves;
    wire [1:0] may_send = running & {2{in_flight < 3'd4}};
    wire [1:0] push = sends & may_send;
    wire take0 = consumes[0] & (in_flight != 3'd0);
    wire take1 = consumes[1] & ~take0 & (in_flight != 3'd0);
    wire [1:0] done = (running | {2{at_leaves}}) & ends & ~push;
    wire is_busy = (running != 2'd0) | (in_flight != 3'd0);

    wire [W-1:0] total;
    wire step_ends, all_done;
    wire [3:0] ended, launched, seen, ends_known;
    wire [W-1:0] loops_now;
    wire waits, launches, started;
    barrier_tree #(
        .LEAVES(2),
        .ARITY(2),
        .LEVEL_CYCLES(UP),
        .WIDTH(W)
    ) tree (
        .clk(clk), .rst(rst), .balance({balance1, balance0}), .total(total), .token(token), .token_at_leaves(at_leaves)
    );
    barrier_root #(
        .CORES(2),
        .WIDTH(W),
        .STEP_BITS(4),
        .UP_CYCLES(UP),
        .WAIT_CYCLES(WAIT)
    ) root (
        .clk(clk), .rst(rst), .n_steps(n_steps), .total(total), .token(token), .step_ends(step_ends), .ended(ended),
        .done(all_done), .p_launched(launched), .p_seen(seen), .p_ends(ends_known), .p_loops(loops_now), .p_waits(waits),
        .p_launches(launches), .p_started(started)
    );
    // what the root will know later: loops started so far, and their delay on the way up
    reg [W-1:0] begun;
    reg [W-1:0] begun_seen;
    reg [3:0] arrived;
    reg [3:0] arrived_seen;
    reg [2*UP-1:0] out;  // tokens that left the root and that no snapshot shows yet
    always @(posedge clk)
        if (rst) begin
            running <= 0;
            in_flight <= 0;
            balance0 <= 0;
            balance1 <= 0;
            begun <= 0;
            begun_seen <= 0;
            arrived <= 0;
            arrived_seen <= 0;
            out <= 0;
        end else begin
            running <= (running | {2{at_leaves}}) & ~done;
            in_flight <= in_flight + push[0] + push[1] - take0 - take1;
            balance0 <= balance0 + push[0] - take0 - done[0];
            balance1 <= balance1 + push[1] - take1 - done[1];
            begun <= begun + (at_leaves ? 2 : 0);
            begun_seen <= begun;
            arrived <= arrived + at_leaves;
            arrived_seen <= arrived;
            out <= {out[2*UP-2:0], token};
        end

    // reset comes once, at the start
    reg awake;
    initial awake = 0;
    always @(posedge clk) awake <= 1;

    reg [W-1:0] open;
    always @* begin
        assume (!awake || !rst);
        open = running[0] + running[1] + in_flight;
        // the promise
        assert (!(at_leaves && is_busy));
`ifndef PROMISE_ONLY
        // what makes it inductive: the books balance, and the root's books are those of UP cycles ago
        assert (balance0 + balance1 + begun == open);
        assert (loops_now == begun_seen);
        assert (seen == arrived_seen);
        // a token is out only when the step before it was known to have ended
        assert (launched == seen + token + out[0] + out[1]);
        assert (launched == seen || (launched == seen + 4'd1 && ends_known == seen));
        assert (ends_known == seen || ends_known + 4'd1 == seen);
        assert (!waits || (launched == seen && ends_known == seen && !is_busy));
        assert (!launches || launched == seen);
        assert (in_flight <= 5);
        assert (started || (launched == 0 && !token && !at_leaves && open == 0));
`endif
    end
endmodule
