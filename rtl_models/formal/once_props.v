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
    localparam [2:0] model = 3'd5, reset_code = 3'd7;  // ttfs, once
    reg signed [MEMBRANE_BITS-1:0] v;
    reg signed [CURRENT_BITS-1:0] i;
    reg started, fired;
`include "update_instance.vh"
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
