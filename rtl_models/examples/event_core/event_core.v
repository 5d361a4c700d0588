// A small event-driven LIF core with four-phase AER and a serial configuration port: a stranger to this project.
// It shares no code and no structure with ../../hdl: one state machine, no accumulators. An axon event adds its
// weights to the membranes at once; a time event fires, resets and *then* leaks, so that a membrane is kept
// already leaked for the next step. The leak is magnitude minus a rounded-up sixteenth, not a multiplication.
module event_core #(
    parameter N = 16,  // neurons, a power of two
    parameter LOG_N = 4,
    parameter A = 8,  // axons, a power of two
    parameter LOG_A = 3
) (
    input  wire CLK,
    input  wire RST_N,
    // configuration: 26-bit frames, most significant bit first: kind (2), address (8), data (16)
    input  wire SCK,
    input  wire CS_N,
    input  wire MOSI,
    // events in: {time event, axon}
    input  wire AERIN_REQ,
    output reg  AERIN_ACK,
    input  wire [LOG_A:0] AERIN_ADDR,
    // events out: {end of the time event, neuron}
    output reg  AEROUT_REQ,
    input  wire AEROUT_ACK,
    output reg  [LOG_N:0] AEROUT_ADDR
);
    localparam IDLE = 3'd0, RELEASE = 3'd1, ADD = 3'd2, FIRE = 3'd3, SEND = 3'd4, SENT = 3'd5;
    localparam signed [12:0] HIGHEST = 13'sd2047, LOWEST = -13'sd2048;
    localparam integer HIGHEST_NEURON = N - 1;
    localparam [LOG_N-1:0] LAST = HIGHEST_NEURON[LOG_N-1:0];

    reg signed [11:0] membrane [0:N-1];
    reg [10:0] threshold [0:N-1];
    reg [15:0] synapse [0:N*A/4-1];  // four signed 4-bit weights in a word

    // configuration
    reg [2:0] sck_seen, cs_seen;
    reg [1:0] mosi_seen;
    reg [25:0] frame;
    wire sck_rises = sck_seen[1] & ~sck_seen[2], frame_ends = cs_seen[1] & ~cs_seen[2];
    always @(posedge CLK) begin
        sck_seen  <= {sck_seen[1:0], SCK};
        cs_seen   <= {cs_seen[1:0], CS_N};
        mosi_seen <= {mosi_seen[0], MOSI};
        if (!RST_N) cs_seen <= 3'b111;
        else if (sck_rises && !cs_seen[1]) frame <= {frame[24:0], mosi_seen[1]};
        if (RST_N && frame_ends)
            case (frame[25:24])
                2'd0: synapse[frame[16+LOG_N+LOG_A-3:16]] <= frame[15:0];
                2'd1: threshold[frame[16+LOG_N-1:16]] <= frame[10:0];
                default: ;
            endcase
    end

    // the neuron in hand
    reg [2:0] state;
    reg is_time;
    reg [LOG_A-1:0] axon;
    reg [LOG_N-1:0] neuron;
    wire signed [11:0] v = membrane[neuron];
    wire [15:0] row = synapse[{axon, neuron[LOG_N-1:2]}];
    wire signed [3:0] weight = row[{neuron[1:0], 2'b00}+:4];
    wire signed [12:0] sum = {v[11], v} + {{9{weight[3]}}, weight};
    wire signed [11:0] added = sum > HIGHEST ? HIGHEST[11:0] : sum < LOWEST ? LOWEST[11:0] : sum[11:0];
`ifdef PLANTED_BUG
    wire fires = v > $signed({1'b0, threshold[neuron]});  // for the guide: what a wrong comparison looks like
`else
    wire fires = v >= $signed({1'b0, threshold[neuron]});
`endif
    wire [11:0] size = v[11] ? -v : v;
    wire [11:0] kept = size - ((size + 12'd15) >> 4);
    wire signed [11:0] leaked = v[11] ? -kept : kept;

    integer n;
    always @(posedge CLK)
        if (!RST_N) begin
            state <= IDLE;
            AERIN_ACK <= 1'b0;
            AEROUT_REQ <= 1'b0;
            AEROUT_ADDR <= 0;
            neuron <= 0;
            for (n = 0; n < N; n = n + 1) membrane[n] <= 12'sd0;
        end else
            case (state)
                IDLE:
                if (AERIN_REQ) begin
                    {is_time, axon} <= AERIN_ADDR;
                    AERIN_ACK <= 1'b1;
                    state <= RELEASE;
                end
                RELEASE:
                if (!AERIN_REQ) begin
                    AERIN_ACK <= 1'b0;
                    neuron <= 0;
                    state <= is_time ? FIRE : ADD;
                end
                ADD: begin
                    membrane[neuron] <= added;
                    neuron <= neuron + 1'b1;
                    if (neuron == LAST) state <= IDLE;
                end
                FIRE: begin
                    membrane[neuron] <= fires ? 12'sd0 : leaked;
                    AEROUT_ADDR <= {1'b0, neuron};
                    if (fires) state <= SEND;
                    else if (neuron == LAST) begin
                        AEROUT_ADDR <= {1'b1, {LOG_N{1'b0}}};
                        state <= SEND;
                    end else neuron <= neuron + 1'b1;
                end
                SEND: begin
                    AEROUT_REQ <= 1'b1;
                    if (AEROUT_REQ && AEROUT_ACK) begin
                        AEROUT_REQ <= 1'b0;
                        state <= SENT;
                    end
                end
                SENT:
                if (!AEROUT_ACK) begin
                    if (AEROUT_ADDR[LOG_N]) state <= IDLE;
                    else if (neuron == LAST) begin
                        AEROUT_ADDR <= {1'b1, {LOG_N{1'b0}}};
                        state <= SEND;
                    end else begin
                        neuron <= neuron + 1'b1;
                        state <= FIRE;
                    end
                end
                default: state <= IDLE;
            endcase
endmodule
