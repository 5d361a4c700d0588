// A first-spike neuron fires at most once in a sample, whatever comes in: not before its silent steps are over, one
// spike at a time, and what has fired is at rest until the reset. A waiting neuron is never taken for one that fired.
`include "neurosim_params.vh"
module once_props #(
    parameter MEMBRANE_BITS = 8,
    parameter CURRENT_BITS = 8,
    parameter WRAPS = 0
) (
    input wire clk,
    input wire rst,
    input wire signed [63:0] x,
    input wire [12:0] keep,
    input wire [12:0] current_keep,
    input wire signed [31:0] bias,
    input wire signed [31:0] threshold,
    input wire signed [31:0] reset_amount,
    input wire signed [31:0] v_floor,
    input wire signed [MEMBRANE_BITS-1:0] v_initial,
    input wire [`IMAGE_STEP_BITS-1:0] age,
    input wire signed [31:0] ramp,
    input wire signed [31:0] ramp_floor,
    input wire [`IMAGE_STEP_BITS-1:0] input_steps,
    input wire [`IMAGE_STEP_BITS-1:0] silent_steps
);
    localparam signed [31:0] HIGH = (32'sd1 <<< (MEMBRANE_BITS - 1)) - 32'sd1, LOW = -HIGH - 32'sd1;
    localparam [2:0] TTFS = 3'd5, ONCE = 3'd7;
    reg signed [MEMBRANE_BITS-1:0] v;
    reg signed [CURRENT_BITS-1:0] i;
    reg started, fired;
    wire signed [MEMBRANE_BITS-1:0] new_v;
    wire signed [CURRENT_BITS-1:0] new_i;
    wire [31:0] spikes;
    wire active;
    wire [1:0] overflows;
    neuron_update #(
        .MEMBRANE_BITS(MEMBRANE_BITS),
        .CURRENT_BITS(CURRENT_BITS),
        .WRAPS(WRAPS)
    ) rules (
        .model(TTFS), .reset_code(ONCE), .v(v), .i(i), .x(x), .keep(keep), .current_keep(current_keep),
        .bias(bias), .threshold(threshold), .reset_amount(reset_amount), .v_floor(v_floor), .age(age), .ramp(ramp),
        .ramp_floor(ramp_floor), .input_steps(input_steps), .silent_steps(silent_steps), .new_v(new_v),
        .new_i(new_i), .spikes(spikes), .active(active), .overflows(overflows)
    );
    initial started = 1'b0;
    always @(posedge clk) begin
        v <= rst ? v_initial : new_v;
        i <= rst ? {CURRENT_BITS{1'b0}} : new_i;
        fired <= ~rst & (fired | (spikes != 32'd0));
        started <= started | rst;
    end
    always @* begin
        assume (v_floor >= LOW);  // as the images are checked
        assume (v_floor <= HIGH);
        assume (v_initial > LOW);
        assert (~started | (fired == (v == LOW)));
        assert (~started | ~fired | ((spikes == 32'd0) & (i == {CURRENT_BITS{1'b0}})));
        assert (~started | (spikes == 32'd0) | ((spikes == 32'd1) & (age >= silent_steps)));
    end
endmodule
