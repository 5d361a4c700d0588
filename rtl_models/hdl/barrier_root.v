// Root of the barrier: finds from the sum of all balances that a step is over, and starts the next one (see barrier.md).
// A balance counts packets sent, less packets consumed and loops done; with one loop started per core and step it is
// zero exactly when nothing is left to do. Sums are snapshots: all leaves are equally far away.
module barrier_root #(
    parameter CORES = 16,  // loops that a token starts
    parameter WIDTH = 24,
    parameter STEP_BITS = 16,
    parameter UP_CYCLES = 4,  // from a leaf's register to here, and from here to the leaves
    parameter WAIT_CYCLES = 2,  // between the end of a step and the next token, here
    parameter TICK = 0,  // 1: a token every PERIOD cycles, whether or not the step before is over
    parameter PERIOD = 1
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [STEP_BITS-1:0] n_steps,
    input  wire [    WIDTH-1:0] total,
    output reg                  token,
    output wire                 step_ends,  // the snapshot of this cycle is the first that shows the end of `ended`
    output wire [STEP_BITS-1:0] ended,
    output wire                 done        // it is the last step
`ifdef FORMAL
    ,  // probes for rtl_models/formal/barrier_props.v
    output wire [STEP_BITS-1:0] p_launched, p_seen, p_ends,
    output wire [    WIDTH-1:0] p_loops,
    output wire                 p_waits, p_launches, p_started
`endif
);
    localparam [WIDTH-1:0] LOOPS = CORES;
    localparam [STEP_BITS-1:0] ONE = 1;
    localparam [31:0] LAST_WAIT = WAIT_CYCLES, LAST_OF_PERIOD = PERIOD - 1;

    reg [STEP_BITS-1:0] launched;  // tokens sent
    reg [STEP_BITS-1:0] seen;  // tokens whose arrival the snapshots show
    reg [STEP_BITS-1:0] ends;  // steps that ended
    reg [WIDTH-1:0] loops;  // that the tokens seen started
    wire arrived;  // this cycle's snapshot is the first with one more token
    delay_line #(
        .WIDTH(1), .CYCLES(2 * UP_CYCLES + 1)
    ) echo (
        .clk(clk), .rst(rst), .in(token), .out(arrived)
    );
    wire [STEP_BITS-1:0] seen_now = arrived ? seen + ONE : seen;
    wire [WIDTH-1:0] loops_now = arrived ? loops + LOOPS : loops;
    wire is_quiet = total + loops_now == {WIDTH{1'b0}};
    wire [STEP_BITS-1:0] last = seen_now - ONE;
    assign step_ends = is_quiet & (seen_now != {STEP_BITS{1'b0}}) & (ends != seen_now);
    assign ended = last;
    assign done = step_ends & (seen_now == n_steps);

    reg started;
    reg waits;  // for WAIT_CYCLES to pass
    reg [31:0] count;
    wire more = launched != n_steps;
    wire launches = TICK ? more & (~started | (count == LAST_OF_PERIOD))
        : ~started | (WAIT_CYCLES == 0 ? step_ends & more : waits & (count == LAST_WAIT));

    always @(posedge clk)
        if (rst) begin
            token <= 1'b0;
            launched <= {STEP_BITS{1'b0}};
            seen <= {STEP_BITS{1'b0}};
            ends <= {STEP_BITS{1'b0}};
            loops <= {WIDTH{1'b0}};
            started <= 1'b0;
            waits <= 1'b0;
            count <= 32'd0;
        end else begin
            started <= 1'b1;
            token <= launches;
            if (launches) launched <= launched + ONE;
            seen <= seen_now;
            loops <= loops_now;
            if (step_ends) ends <= seen_now;
            waits <= (step_ends & more) | (waits & ~launches);
            // cycles since the step's end, or since the token
            count <= (TICK ? launches : step_ends) ? (TICK ? 32'd0 : 32'd1) : count + 32'd1;
        end

`ifdef FORMAL
    assign p_launched = launched;
    assign p_seen = seen_now;
    assign p_ends = ends;
    assign p_loops = loops_now;
    assign p_waits = waits;
    assign p_launches = launches;
    assign p_started = started;
`endif
endmodule
