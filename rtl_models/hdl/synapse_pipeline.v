// Synapse pipeline of a core: axon table, synapse memory, row register and accumulators (see synapse_pipeline.md).
// A packet taken in cycle t with cost c reads its words in t .. t + c - 1 into the row register, whose weights enter
// the accumulators all at once in t + c, unless the packet is late.
`include "neurosim_params.vh"
module synapse_pipeline #(
    parameter NEURONS = `IMAGE_NEURONS,
    parameter SLOTS = `CORE_MAX_DELAY_STEPS + 1,
    parameter ACCUMULATOR_BITS = `CORE_ACCUMULATOR_BITS,
    parameter WRAPS = `CORE_OVERFLOW_ACCUMULATOR == `CORE_OVERFLOW_ACCUMULATOR_WRAP
) (
    input  wire                               clk,
    input  wire                               rst,
    input  wire [                        4:0] weight_bits,
    input  wire [       `IMAGE_STEP_BITS-1:0] sample_steps,
    // a packet
    input  wire                               start,
    input  wire [        `FLIT_AXON_BITS-1:0] axon,
    input  wire [        `FLIT_STEP_BITS-1:0] packet_step,
    output wire [                       31:0] cost,          // of `axon`, in cycles
    output reg                                busy,
    output wire                               finish,        // the packet ends in this cycle
    output wire                               is_late,       // ... and its weights are discarded
    // the neuron loop
    input  wire [       `IMAGE_STEP_BITS-1:0] core_step,     // running or ran last, -1 before the first
    input  wire [       `IMAGE_SLOT_BITS-1:0] core_slot,     // its bank
    input  wire [       `IMAGE_SLOT_BITS-1:0] loop_slot,
    input  wire [     `IMAGE_NEURON_BITS-1:0] loop_neuron,
    input  wire                               loop_takes,    // reads this sum and clears it
    output wire signed [ACCUMULATOR_BITS-1:0] loop_sum,
    output reg  [                       31:0] overflows      // sums that left their width
);
    localparam SB = `IMAGE_STEP_BITS, NB = `IMAGE_NEURON_BITS, WB = `CORE_WORD_BITS, IB = `CORE_INDEX_BITS;
    localparam AB = `IMAGE_AXON_ADDRESS_BITS, WORDS = `CORE_WORDS_PER_CYCLE;
    localparam LONGEST = 16 + IB;  // bits of a synapse
    localparam GEAR = WORDS * WB + LONGEST, FILL_BITS = $clog2(GEAR + 1);
    localparam LANES = GEAR / `IMAGE_LEAST_WEIGHT_BITS;
    localparam BANKS = SLOTS * NEURONS, BANK_BITS = `IMAGE_SLOT_BITS + NB;
    localparam W = 40;  // sums before they are fitted
    localparam TIME = 20;  // signed step arithmetic
    localparam PB = `FLIT_STEP_BITS < SB ? `FLIT_STEP_BITS : SB;  // of the packet's step
    localparam signed [W-1:0] HIGH = (40'sd1 <<< (ACCUMULATOR_BITS - 1)) - 40'sd1, LOW = -HIGH - 40'sd1;
    localparam signed [W-1:0] ZERO = 40'sd0;
    localparam signed [TIME-1:0] MOST_DELAY = `CORE_MAX_DELAY_STEPS, N_SLOTS = SLOTS;
    localparam integer FINAL_SLOT = SLOTS - 1;
    localparam [`IMAGE_SLOT_BITS-1:0] LAST_SLOT = FINAL_SLOT[`IMAGE_SLOT_BITS-1:0];

    /* verilator lint_off UNDRIVEN */ // loaded from images
    reg [`IMAGE_AXON_BITS-1:0] axon_table[0:`IMAGE_AXONS-1];
    reg [WB-1:0] synapse_memory[0:`IMAGE_SYNAPSE_WORDS-1];
    /* verilator lint_on UNDRIVEN */
    reg signed [ACCUMULATOR_BITS-1:0] sums[0:BANKS-1];
    reg signed [15:0] row[0:NEURONS-1];
    reg [NEURONS-1:0] row_valid;

    // the axon's entry: of the packet that starts, then held
    reg [`IMAGE_AXON_BITS-1:0] held_entry;
    wire [`IMAGE_AXON_BITS-1:0] entry = start ? axon_table[axon[`IMAGE_AXON_INDEX_BITS-1:0]] : held_entry;
    wire [AB-1:0] entry_words = entry[`IMAGE_AXON_WORDS_LSB+:AB];
    wire [NB:0] entry_synapses = entry[`IMAGE_AXON_SYNAPSES_LSB+:NB+1];
    wire [NB-1:0] first_neuron = entry[`IMAGE_AXON_FIRST_LSB+:NB];
    wire is_sparse = entry[`IMAGE_AXON_SPARSE_LSB];

    // cost
    wire [31:0] word_time = {{32 - AB{1'b0}}, entry_words} * `CORE_CYCLES_PER_WORD + (`CORE_WORDS_PER_CYCLE - 1);
    wire [31:0] total = `CORE_DECODE_CYCLES + word_time / `CORE_WORDS_PER_CYCLE
        + {{31 - NB{1'b0}}, entry_synapses} * `CORE_CYCLES_PER_SYNAPSE;
    assign cost = total == 32'd0 ? 32'd1 : total;

    reg [31:0] left;  // cycles up to the finish
    reg [PB-1:0] held_step;
    assign finish = busy & (left == 32'd0);
    wire walks = start | (busy & ~finish);

    // reading: words into the gear box, synapses out of it
    reg [AB-1:0] address, words_left;
    reg [GEAR-1:0] gear;
    reg [FILL_BITS-1:0] fill;
    reg [NB:0] done;
    wire [AB-1:0] from = start ? entry[`IMAGE_AXON_ADDRESS_LSB+:AB] : address;
    wire [AB-1:0] words_now = start ? entry_words : words_left;
    wire [WORDS*WB-1:0] read;
    genvar g;
    generate
        for (g = 0; g < WORDS; g = g + 1) begin : port
            localparam [AB-1:0] OFFSET = g;
            wire [AB-1:0] at = from + OFFSET;
            wire unused = &{1'b0, at};
            assign read[g*WB+:WB] = words_now > OFFSET ? synapse_memory[at[`IMAGE_WORD_INDEX_BITS-1:0]] : {WB{1'b0}};
        end
    endgenerate
    localparam [AB-1:0] MOST_WORDS = WORDS;
    localparam [FILL_BITS-1:0] WORD_FILL = WB, INDEX_FILL = IB;
    wire [AB-1:0] taken = words_now > MOST_WORDS ? MOST_WORDS : words_now;
    wire [FILL_BITS-1:0] synapse_fill = {{FILL_BITS - 5{1'b0}}, weight_bits} + (is_sparse ? INDEX_FILL : {FILL_BITS{1'b0}});
    wire [FILL_BITS+AB-1:0] new_fill = {{AB{1'b0}}, WORD_FILL} * {{FILL_BITS{1'b0}}, taken};

    reg [GEAR-1:0] gear_next;
    reg [FILL_BITS-1:0] fill_next;
    reg [NB:0] done_next;
    reg [LANES-1:0] lane_valid;
    reg [LANES*NB-1:0] lane_target;
    reg [LANES*16-1:0] lane_weight;
    reg [15:0] raw;
    reg [NB+IB-1:0] index;
    reg [LONGEST-1:0] above;
    integer l;
    always @* begin
        gear_next = start ? {GEAR{1'b0}} : gear;
        fill_next = start ? {FILL_BITS{1'b0}} : fill;
        done_next = start ? {NB + 1{1'b0}} : done;
        lane_valid = {LANES{1'b0}};
        lane_target = {LANES * NB{1'b0}};
        lane_weight = {LANES * 16{1'b0}};
        raw = 16'd0;
        above = {LONGEST{1'b0}};
        index = {NB + IB{1'b0}};
        if (walks) begin
            gear_next = gear_next | ({{LONGEST{1'b0}}, read} << fill_next);
            fill_next = fill_next + new_fill[FILL_BITS-1:0];
            /*verilator unroll_disable*/
            for (l = 0; l < LANES; l = l + 1)
                if ((done_next < entry_synapses) & (fill_next >= synapse_fill)) begin
                    raw = gear_next[15:0] << (5'd16 - weight_bits);  // to the top: its sign
                    above = gear_next[LONGEST-1:0] >> weight_bits;
                    index = {{NB{1'b0}}, above[IB-1:0]};
                    lane_valid[l] = 1'b1;
                    lane_weight[l*16+:16] = $signed(raw) >>> (5'd16 - weight_bits);
                    lane_target[l*NB+:NB] = first_neuron + (is_sparse ? index[NB-1:0] : done_next[NB-1:0]);
                    gear_next = gear_next >> synapse_fill;
                    fill_next = fill_next - synapse_fill;
                    done_next = done_next + 1'b1;
                end
        end
    end

    // whether the packet is on time, and its bank
    wire signed [PB-1:0] ahead = $signed(held_step - core_step[PB-1:0]);
    wire signed [TIME-1:0] use_ahead = {{TIME - PB{ahead[PB-1]}}, ahead}
        + $signed({{TIME - `IMAGE_AXON_DELAY_BITS{1'b0}}, held_entry[`IMAGE_AXON_DELAY_LSB+:`IMAGE_AXON_DELAY_BITS]});
    wire on_time = (use_ahead > 0) & (use_ahead <= MOST_DELAY);
    assign is_late = ~on_time;
    wire signed [TIME-1:0] slot_sum = $signed({{TIME - `IMAGE_SLOT_BITS{1'b0}}, core_slot}) + use_ahead;
    wire signed [TIME-1:0] slot_wide = slot_sum >= N_SLOTS ? slot_sum - N_SLOTS : slot_sum;
    wire [`IMAGE_SLOT_BITS-1:0] slot = slot_wide[`IMAGE_SLOT_BITS-1:0];
    // a group that sleeps in that step would never read or clear the sums
    wire signed [TIME-1:0] use_step = $signed({{TIME - SB{core_step[SB-1]}}, core_step}) + use_ahead;
    wire signed [TIME-1:0] wakes = $signed({{TIME - SB{1'b0}}, held_entry[`IMAGE_AXON_START_LSB+:SB]});
    wire is_awake = (use_step >= wakes) & (use_step < wakes + $signed({{TIME - SB{1'b0}}, sample_steps}));
    wire commits = finish & on_time & is_awake;

    // the loop's view: a packet that finishes in this very cycle is in it
    localparam [BANK_BITS-1:0] STRIDE = NEURONS;
    wire [BANK_BITS-1:0] loop_at = {{NB{1'b0}}, loop_slot} * STRIDE + {{`IMAGE_SLOT_BITS{1'b0}}, loop_neuron};
    wire [BANK_BITS-1:0] bank = {{NB{1'b0}}, slot} * STRIDE;
    wire signed [ACCUMULATOR_BITS-1:0] stored = sums[loop_at];
    wire signed [15:0] loop_weight = row[loop_neuron];
    wire signed [W-1:0] seen = {{W - ACCUMULATOR_BITS{stored[ACCUMULATOR_BITS-1]}}, stored}
        + {{W - 16{loop_weight[15]}}, loop_weight};
    wire signed [W-1:0] seen_fitted = WRAPS ? seen : seen > HIGH ? HIGH : seen < LOW ? LOW : seen;
    assign loop_sum = (commits & (slot == loop_slot) & row_valid[loop_neuron])
        ? $signed(seen_fitted[ACCUMULATOR_BITS-1:0]) : stored;

    reg [`IMAGE_SLOT_BITS-1:0] sweep;  // bank that reset clears in this cycle
    reg [NEURONS-1:0] outside;  // sums that left their width in the cycle before
    reg [31:0] n_outside;
    integer n, m;
    initial sweep = {`IMAGE_SLOT_BITS{1'b0}};
    always @* begin
        n_outside = 32'd0;
        /*verilator unroll_disable*/
        for (m = 0; m < NEURONS; m = m + 1) n_outside = n_outside + {31'd0, outside[m]};
    end
    always @(posedge clk) begin
        sweep <= (~rst | (sweep == LAST_SLOT)) ? {`IMAGE_SLOT_BITS{1'b0}} : sweep + 1'b1;
        outside <= {NEURONS{1'b0}};
        if (rst) begin
            /*verilator unroll_disable*/
            for (n = 0; n < NEURONS; n = n + 1)
                sums[{{NB{1'b0}}, sweep}*STRIDE+n[BANK_BITS-1:0]] <= {ACCUMULATOR_BITS{1'b0}};
        end else begin
            if (commits) begin
                /*verilator unroll_disable*/
                for (n = 0; n < NEURONS; n = n + 1)
                    if (row_valid[n]) begin
                        // sums of W bits, as HIGH and LOW have; what is stored fits, or is to wrap
                        /* verilator lint_off WIDTH */
                        sums[bank+n[BANK_BITS-1:0]] <= WRAPS ? sums[bank+n[BANK_BITS-1:0]] + row[n] + ZERO
                            : sums[bank+n[BANK_BITS-1:0]] + row[n] + ZERO > HIGH ? HIGH
                            : sums[bank+n[BANK_BITS-1:0]] + row[n] + ZERO < LOW ? LOW
                            : sums[bank+n[BANK_BITS-1:0]] + row[n] + ZERO;
                        outside[n] <= sums[bank+n[BANK_BITS-1:0]] + row[n] + ZERO > HIGH
                            || sums[bank+n[BANK_BITS-1:0]] + row[n] + ZERO < LOW;
                        /* verilator lint_on WIDTH */
                    end
            end
            if (loop_takes) sums[loop_at] <= {ACCUMULATOR_BITS{1'b0}};  // after the commit: the loop has read it
            if (start) row_valid <= {NEURONS{1'b0}};
        end
        if (walks) begin
            /*verilator unroll_disable*/
            for (n = 0; n < LANES; n = n + 1)
                if (lane_valid[n]) begin
                    row[lane_target[n*NB+:NB]] <= lane_weight[n*16+:16];
                    row_valid[lane_target[n*NB+:NB]] <= 1'b1;
                end
            held_entry <= entry;
            left <= start ? cost - 32'd1 : left - 32'd1;
            gear <= gear_next;
            fill <= fill_next;
            done <= done_next;
            address <= from + taken;
            words_left <= words_now - taken;
        end
        if (start) held_step <= packet_step[PB-1:0];
        overflows <= rst ? 32'd0 : overflows + n_outside;
        busy <= ~rst & walks;
    end

    generate
        if (`FLIT_AXON_BITS > `IMAGE_AXON_INDEX_BITS) begin : wide_axon
            wire unused = &{1'b0, axon[`FLIT_AXON_BITS-1:`IMAGE_AXON_INDEX_BITS]};
        end
        if (`FLIT_STEP_BITS > PB) begin : wide_step
            wire unused = &{1'b0, packet_step[`FLIT_STEP_BITS-1:PB]};
        end
    endgenerate
    wire unused = &{1'b0, seen_fitted, index[NB+IB-1:NB], above[LONGEST-1:IB], slot_wide[TIME-1:`IMAGE_SLOT_BITS], new_fill[FILL_BITS+AB-1:FILL_BITS]};
endmodule
