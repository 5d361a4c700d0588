// One neuron, one time step: state, input, parameters -> state, spikes. Combinational.
// The equations and their order are those of neurosim/rules/neuron.py; see neuron_update.md.
`include "neurosim_params.vh"

module neuron_update #(
    parameter MEMBRANE_BITS = `CORE_MEMBRANE_BITS,
    parameter CURRENT_BITS = `CORE_CURRENT_BITS,
    parameter WRAPS = (`CORE_OVERFLOW_MEMBRANE == `CORE_OVERFLOW_MEMBRANE_WRAP)
) (
    input wire [2:0] model,
    input wire [2:0] reset_code,
    input wire signed [MEMBRANE_BITS-1:0] v,
    input wire signed [CURRENT_BITS-1:0] i,
    input wire signed [63:0] x, // the step's input, already shifted
    input wire [12:0] keep,
    input wire [12:0] current_keep,
    input wire signed [31:0] bias,
    input wire signed [31:0] threshold,
    input wire signed [31:0] reset_amount,
    input wire signed [31:0] v_floor,
    // of first-spike neurons
    input wire [`IMAGE_STEP_BITS-1:0] age, // the neuron's own step, from 0
    input wire signed [31:0] ramp,
    input wire signed [31:0] ramp_floor,
    input wire [`IMAGE_STEP_BITS-1:0] input_steps, // 0: input counts in all steps
    input wire [`IMAGE_STEP_BITS-1:0] silent_steps,
    output wire signed [MEMBRANE_BITS-1:0] new_v,
    output wire signed [CURRENT_BITS-1:0] new_i,
    output wire [31:0] spikes,
    output wire active,
    output wire [1:0] overflows
);
    localparam W = 64; // wide enough for every sum and product of 32-bit values
    localparam DECAY_SHIFT = 12;
    localparam CUBA_LIF = 3'd2, CUBA_LI = 3'd4, TTFS = 3'd5;
    localparam VALUE = 3'd0, SUBTRACT = 3'd1, SUBTRACT_DELAYED = 3'd2, SUBTRACT_SAME_TIME = 3'd3,
        ZERO_WITH_INPUT = 3'd4, SUBTRACT_MULTI = 3'd5, NONE = 3'd6;
    localparam signed [W-1:0] V_HIGH = (64'sd1 <<< (MEMBRANE_BITS - 1)) - 64'sd1;
    localparam signed [W-1:0] V_LOW = -(64'sd1 <<< (MEMBRANE_BITS - 1));
    localparam signed [W-1:0] I_HIGH = (64'sd1 <<< (CURRENT_BITS - 1)) - 64'sd1;
    localparam signed [W-1:0] I_LOW = -(64'sd1 <<< (CURRENT_BITS - 1));

    // a first-spike neuron: its input ends, its threshold falls, and it has fired if its membrane is V_LOW
    localparam AGE_BITS = `IMAGE_STEP_BITS + 1, FALL_BITS = AGE_BITS + 32;
    wire once = model == TTFS;
    wire has_fired = once & (old_v == V_LOW);
    wire takes = ~once | (input_steps == {`IMAGE_STEP_BITS{1'b0}}) | (age < input_steps);
    wire signed [AGE_BITS-1:0] since = $signed({1'b0, age}) - $signed({1'b0, silent_steps});
    wire signed [FALL_BITS-1:0] fall = ramp * since;
    wire signed [W-1:0] fallen = wide_threshold - {{(W - FALL_BITS) {fall[FALL_BITS-1]}}, fall};
    wire signed [W-1:0] lowest = {{(W - 32) {ramp_floor[31]}}, ramp_floor};
    wire signed [W-1:0] threshold_now = ~once ? wide_threshold : (fallen < lowest) ? lowest : fallen;

    wire has_current = (model == CUBA_LIF) | (model == CUBA_LI) | once;
    wire signed [W-1:0] old_v = {{(W - MEMBRANE_BITS) {v[MEMBRANE_BITS-1]}}, v};
    wire signed [W-1:0] old_i = {{(W - CURRENT_BITS) {i[CURRENT_BITS-1]}}, i};
    wire signed [W-1:0] wide_bias = {{(W - 32) {bias[31]}}, bias};
    wire signed [W-1:0] wide_threshold = {{(W - 32) {threshold[31]}}, threshold};
    wire signed [W-1:0] amount = {{(W - 32) {reset_amount[31]}}, reset_amount};

    // decays: state * keep / 4096, rounded toward zero
    localparam signed [W-1:0] ROUND = (64'sd1 <<< DECAY_SHIFT) - 64'sd1;
    wire signed [W-1:0] product_i = old_i * $signed({{(W - 13) {1'b0}}, current_keep});
    wire signed [W-1:0] product_v = old_v * $signed({{(W - 13) {1'b0}}, keep});
    wire signed [W-1:0] decayed_i = (product_i + (product_i < 0 ? ROUND : 64'sd0)) >>> DECAY_SHIFT;
    wire signed [W-1:0] decayed_v = (product_v + (product_v < 0 ? ROUND : 64'sd0)) >>> DECAY_SHIFT;

    // current
    wire signed [W-1:0] wide_i = ~takes ? 64'sd0 : has_current ? decayed_i + x + wide_bias : x;
    wire i_outside = (wide_i < I_LOW) | (wide_i > I_HIGH);
    wire signed [W-1:0] wrapped_i = {{(W - CURRENT_BITS) {wide_i[CURRENT_BITS-1]}}, wide_i[CURRENT_BITS-1:0]};
    wire signed [W-1:0] fit_i =
        !i_outside ? wide_i : (WRAPS != 0) ? wrapped_i : (wide_i < I_LOW) ? I_LOW : I_HIGH;

    // membrane before the threshold
    wire above = old_v >= wide_threshold;
    wire signed [W-1:0] sum = decayed_v + fit_i + (has_current ? 64'sd0 : wide_bias);
    wire late_reset = (reset_code == SUBTRACT_DELAYED) | (reset_code == SUBTRACT_SAME_TIME);
    wire signed [W-1:0] wide_u =
        (late_reset & above) ? sum - amount : ((reset_code == ZERO_WITH_INPUT) & above) ? 64'sd0 : sum;
    wire u_outside = (wide_u < V_LOW) | (wide_u > V_HIGH);
    wire signed [W-1:0] wrapped_u = {{(W - MEMBRANE_BITS) {wide_u[MEMBRANE_BITS-1]}}, wide_u[MEMBRANE_BITS-1:0]};
    wire signed [W-1:0] u =
        !u_outside ? wide_u : (WRAPS != 0) ? wrapped_u : (wide_u < V_LOW) ? V_LOW : V_HIGH;

    // spikes; the quotient of MULTI is taken of positive numbers only
    wire may_fire = once ? ~has_fired & (age >= silent_steps) : reset_code != NONE;
    wire fires = (u >= threshold_now) & may_fire;
    wire divides = fires & (reset_code == SUBTRACT_MULTI) & (wide_threshold > 0);
    wire [W-1:0] quotient = divides ? u / wide_threshold : 64'd0;
    assign spikes = !fires ? 32'd0 : divides ? quotient[31:0] : 32'd1;

    // reset
    wire signed [W-1:0] several = $signed({32'd0, spikes}) * amount;
    wire subtracts = fires & (reset_code == SUBTRACT | (reset_code == SUBTRACT_SAME_TIME & ~above));
    wire gives_back = above & ~fires & (reset_code == SUBTRACT_SAME_TIME);
    wire signed [W-1:0] after = (fires & (reset_code == VALUE)) ? amount : subtracts ? u - amount
        : gives_back ? u + amount : (reset_code == SUBTRACT_MULTI) ? u - several : u;
    wire signed [W-1:0] declared = {{(W - 32) {v_floor[31]}}, v_floor};
    wire signed [W-1:0] v_bottom = (once & (declared <= V_LOW)) ? V_LOW + 64'sd1 : declared;
    wire signed [W-1:0] kept = (after < v_bottom) ? v_bottom : (after > V_HIGH) ? V_HIGH : after;
    wire rests = has_fired | (once & fires);  // to the end of the sample
    assign new_v = rests ? V_LOW[MEMBRANE_BITS-1:0] : kept[MEMBRANE_BITS-1:0];
    assign new_i = rests ? {CURRENT_BITS{1'b0}} : has_current ? fit_i[CURRENT_BITS-1:0] : i;
    assign overflows = has_fired ? 2'd0 : {1'b0, i_outside} + {1'b0, u_outside};
    assign active = (x != 0) | (spikes != 0) | (new_v != v) | (new_i != i);

    // verilator lint_off UNUSEDSIGNAL
    wire unused = &{1'b0, quotient[W-1:32], kept[W-1:MEMBRANE_BITS]};
    // verilator lint_on UNUSEDSIGNAL
endmodule
