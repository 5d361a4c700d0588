// Neuron loop of a core: visits the awake groups' neurons in order, one decision a cycle (see neuron_loop.md).
`include "neurosim_params.vh"
module neuron_loop #(
    parameter NEURONS = `IMAGE_NEURONS,
    parameter GROUPS = `IMAGE_GROUPS,
    parameter SLOTS = `CORE_MAX_DELAY_STEPS + 1,
    parameter MEMBRANE_BITS = `CORE_MEMBRANE_BITS,
    parameter CURRENT_BITS = `CORE_CURRENT_BITS,
    parameter ACCUMULATOR_BITS = `CORE_ACCUMULATOR_BITS
) (
    input  wire                               clk,
    input  wire                               rst,
    input  wire [       `IMAGE_STEP_BITS-1:0] sample_steps,
    input  wire                               token,          // a step begins
    // accumulators
    output wire [       `IMAGE_SLOT_BITS-1:0] loop_slot,
    output wire [     `IMAGE_NEURON_BITS-1:0] loop_neuron,
    output wire                               loop_takes,
    input  wire signed [ACCUMULATOR_BITS-1:0] loop_sum,
    // memory port
    input  wire                               port_is_free,
    output wire                               updates,        // an update starts in this cycle
    output wire [                       31:0] update_cycles,
    // transmit FIFO
    input  wire                               room,
    output wire                               push,
    output wire [     `IMAGE_TARGET_BITS-1:0] push_target,    // flit fields below the step
    output wire [       `IMAGE_STEP_BITS-1:0] push_step,
    // state of the loop
    output reg  [       `IMAGE_STEP_BITS-1:0] core_step,      // running or ran last, -1 before the first
    output reg  [       `IMAGE_SLOT_BITS-1:0] core_slot,
    output wire [       `IMAGE_STEP_BITS-1:0] loop_step,      // that the loop is in, or begins in this cycle
    output reg                                running,
    output wire                               tokens_wait,    // when the cycle began
    output wire                               ends,           // the loop of a step is done in this cycle
    output wire [                       31:0] spikes,         // of the neuron that updates in this cycle
    output wire                               stalls,         // the transmit FIFO is full
    output reg  [                       31:0] overflows
);
    localparam SB = `IMAGE_STEP_BITS, NB = `IMAGE_NEURON_BITS, EB = `IMAGE_ENTRY_BITS;
    localparam [SB-1:0] ONE_STEP = 1;
    localparam integer FINAL_SLOT = SLOTS - 1;
    localparam [`IMAGE_SLOT_BITS-1:0] LAST_SLOT = FINAL_SLOT[`IMAGE_SLOT_BITS-1:0];
    localparam integer LAST = NEURONS - 1;
    localparam [NB-1:0] LAST_NEURON = LAST[NB-1:0];

    /* verilator lint_off UNDRIVEN */ // loaded from images
    reg [`IMAGE_GROUP_BITS-1:0] group_table[0:GROUPS-1];
    reg [`IMAGE_NEURON_WORD_BITS-1:0] parameters[0:NEURONS-1];
    reg [2*EB-1:0] target_pointer[0:NEURONS-1];
    reg [`IMAGE_TARGET_BITS-1:0] target_table[0:`IMAGE_TARGET_ENTRIES-1];
    /* verilator lint_on UNDRIVEN */
    reg signed [MEMBRANE_BITS-1:0] membrane[0:NEURONS-1];
    reg signed [CURRENT_BITS-1:0] current[0:NEURONS-1];

    // which step
    reg [SB-1:0] tokens;  // that wait
    assign tokens_wait = tokens != {SB{1'b0}};
    wire begins = ~running & (token | tokens_wait);
    wire on = running | begins;
    wire [SB-1:0] step = begins ? core_step + ONE_STEP : core_step;
    assign loop_step = step;
    assign loop_slot = ~begins ? core_slot : core_slot == LAST_SLOT ? {`IMAGE_SLOT_BITS{1'b0}} : core_slot + 1'b1;

    // the next neuron of an awake group
    reg [NB:0] position;
    wire [NB:0] from = begins ? {NB + 1{1'b0}} : position;
    wire [GROUPS-1:0] candidate;
    wire [GROUPS*(NB+1)-1:0] candidate_first;
    genvar g;
    generate
        for (g = 0; g < GROUPS; g = g + 1) begin : group
            wire [`IMAGE_GROUP_BITS-1:0] entry = group_table[g];
            wire [SB-1:0] wakes = entry[`IMAGE_GROUP_START_LSB+:SB];
            wire [NB:0] first = {1'b0, entry[`IMAGE_GROUP_FIRST_LSB+:NB]};
            wire [NB:0] last = {1'b0, entry[`IMAGE_GROUP_LAST_LSB+:NB]};
            wire is_awake = (step >= wakes) & ({1'b0, step} < {1'b0, wakes} + {1'b0, sample_steps});
            wire unused = &{1'b0, entry};
            assign candidate[g] = entry[`IMAGE_GROUP_USED_LSB] & is_awake & (from <= last);
            assign candidate_first[g*(NB+1)+:NB+1] = from > first ? from : first;
        end
    endgenerate
    reg [NB:0] next;
    integer k;
    always @* begin
        next = {NB + 1{1'b0}};
        for (k = GROUPS - 1; k >= 0; k = k - 1) if (candidate[k]) next = candidate_first[k*(NB+1)+:NB+1];
    end
    reg [`IMAGE_GROUP_INDEX_BITS-1:0] chosen;
    always @* begin
        chosen = {`IMAGE_GROUP_INDEX_BITS{1'b0}};
        for (k = GROUPS - 1; k >= 0; k = k - 1) if (candidate[k]) chosen = k[`IMAGE_GROUP_INDEX_BITS-1:0];
    end
    wire [`IMAGE_GROUP_BITS-1:0] rule_now = group_table[chosen];
    wire found = |candidate;
    assign loop_neuron = next[NB-1:0];

    // one decision when the operation before has passed
    reg [31:0] rest;  // cycles of the operation at work
    reg [EB-1:0] entry_at, entry_first, entry_last;
    reg [31:0] repeats;  // spikes whose targets are still to be walked, this one included
    reg sending;
    wire decides = on & (begins | (rest == 32'd0));
    wire walks = decides & ~begins & sending;
    assign push = walks & room;
    assign stalls = walks & ~room;
    assign updates = decides & ~walks & found & port_is_free;
    assign ends = decides & ~walks & ~found;
    assign loop_takes = updates;

    // the update
    wire [SB-1:0] age = step - rule_now[`IMAGE_GROUP_START_LSB+:SB];  // the group's own step
    reg [NB-1:0] sweep;  // neuron whose state reset sets in this cycle
    wire [2:0] model = rule_now[`IMAGE_GROUP_MODEL_LSB+:3];
    wire [4:0] shift = rule_now[`IMAGE_GROUP_SHIFT_LSB+:5];
    wire [`IMAGE_NEURON_WORD_BITS-1:0] word = parameters[rst ? sweep : loop_neuron];
    wire [31:0] v_initial = word[`IMAGE_NEURON_V_INITIAL_LSB+:32];
    wire signed [63:0] wide_sum = {{64 - ACCUMULATOR_BITS{loop_sum[ACCUMULATOR_BITS-1]}}, loop_sum};
    wire signed [MEMBRANE_BITS-1:0] v = membrane[loop_neuron];
    wire signed [CURRENT_BITS-1:0] i = current[loop_neuron];
    wire signed [MEMBRANE_BITS-1:0] new_v;
    wire signed [CURRENT_BITS-1:0] new_i;
    wire active;
    wire [1:0] over;
    neuron_update #(
        .MEMBRANE_BITS(MEMBRANE_BITS), .CURRENT_BITS(CURRENT_BITS)
    ) rules (
        .model(model), .reset_code(rule_now[`IMAGE_GROUP_RESET_LSB+:3]), .v(v), .i(i), .x(wide_sum <<< shift),
        .keep(word[`IMAGE_NEURON_KEEP_LSB+:13]), .current_keep(word[`IMAGE_NEURON_CURRENT_KEEP_LSB+:13]),
        .bias(word[`IMAGE_NEURON_BIAS_LSB+:32]), .threshold(word[`IMAGE_NEURON_THRESHOLD_LSB+:32]),
        .reset_amount(word[`IMAGE_NEURON_RESET_AMOUNT_LSB+:32]), .v_floor(word[`IMAGE_NEURON_V_FLOOR_LSB+:32]),
        .age(age), .ramp(word[`IMAGE_NEURON_RAMP_LSB+:32]), .ramp_floor(word[`IMAGE_NEURON_RAMP_FLOOR_LSB+:32]),
        .input_steps(rule_now[`IMAGE_GROUP_INPUT_STEPS_LSB+:SB]),
        .silent_steps(rule_now[`IMAGE_GROUP_SILENT_STEPS_LSB+:SB]),
        .new_v(new_v), .new_i(new_i), .spikes(spikes), .active(active), .overflows(over)
    );
    wire [31:0] when_active = model == 3'd1 ? `CORE_UPDATE_CYCLES_LIF_ACTIVE
        : model == 3'd2 ? `CORE_UPDATE_CYCLES_CUBA_LIF_ACTIVE : model == 3'd3 ? `CORE_UPDATE_CYCLES_LI_ACTIVE
        : model == 3'd4 ? `CORE_UPDATE_CYCLES_CUBA_LI_ACTIVE : model == 3'd5 ? `CORE_UPDATE_CYCLES_TTFS_ACTIVE
        : `CORE_UPDATE_CYCLES_IF_ACTIVE;
    wire [31:0] when_idle = model == 3'd1 ? `CORE_UPDATE_CYCLES_LIF_IDLE
        : model == 3'd2 ? `CORE_UPDATE_CYCLES_CUBA_LIF_IDLE : model == 3'd3 ? `CORE_UPDATE_CYCLES_LI_IDLE
        : model == 3'd4 ? `CORE_UPDATE_CYCLES_CUBA_LI_IDLE : model == 3'd5 ? `CORE_UPDATE_CYCLES_TTFS_IDLE
        : `CORE_UPDATE_CYCLES_IF_IDLE;
    assign update_cycles = active ? when_active : when_idle;
    wire fires = spikes != 32'd0;

    // the target list
    wire [2*EB-1:0] pointer = target_pointer[loop_neuron];
    wire [EB-1:0] first_entry = pointer[0+:EB], n_entries = pointer[EB+:EB];
    wire list_ends = entry_at == entry_last;
    assign push_target = target_table[entry_at[`IMAGE_ENTRY_INDEX_BITS-1:0]];
    assign push_step = core_step;

    initial sweep = {NB{1'b0}};
    always @(posedge clk) begin
        sweep <= (~rst | (sweep == LAST_NEURON)) ? {NB{1'b0}} : sweep + 1'b1;
        if (rst) begin
            membrane[sweep] <= v_initial[MEMBRANE_BITS-1:0];
            current[sweep] <= {CURRENT_BITS{1'b0}};
        end else if (updates) begin
            membrane[loop_neuron] <= new_v;
            current[loop_neuron] <= new_i;
        end
        if (rst) begin
            tokens <= {SB{1'b0}};
            core_step <= {SB{1'b1}};
            core_slot <= LAST_SLOT;
            running <= 1'b0;
            sending <= 1'b0;
            rest <= 32'd0;
            position <= {NB + 1{1'b0}};
            overflows <= 32'd0;
        end else begin
            tokens <= tokens + {{SB - 1{1'b0}}, token} - {{SB - 1{1'b0}}, begins};
            core_step <= step;
            core_slot <= loop_slot;
            running <= on & ~ends;
            if (begins) position <= {NB + 1{1'b0}};
            if (rest != 32'd0) rest <= rest - 32'd1;
            if (updates) begin
                position <= next + 1'b1;
                rest <= update_cycles + (fires ? `CORE_SPIKE_CYCLES : 32'd0) - 32'd1;
                sending <= fires & (n_entries != {EB{1'b0}});
                repeats <= spikes;
                entry_first <= first_entry;
                entry_at <= first_entry;
                entry_last <= first_entry + n_entries - 1'b1;
                overflows <= overflows + {30'd0, over};
            end
            if (push) begin
                rest <= `CORE_TARGET_CYCLES - 1;
                entry_at <= list_ends ? entry_first : entry_at + 1'b1;
                if (list_ends) begin
                    repeats <= repeats - 32'd1;
                    sending <= repeats != 32'd1;
                end
            end
        end
    end

    wire unused = &{1'b0, next[NB], entry_at, rule_now, v_initial};
endmodule
