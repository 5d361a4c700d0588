// The neuron's update keeps its membrane between the model's floor and the top of its width, whatever comes in; but
// for a first-spike neuron that has fired, whose mark is the bottom of the width.
`include "neurosim_params.vh"
module membrane_props #(
    parameter MEMBRANE_BITS = 8,
    parameter CURRENT_BITS = 8,
    parameter WRAPS = 0
) (
    input wire clk,
    input wire rst,
    input wire [2:0] model,
    input wire [2:0] reset_code,
    input wire signed [CURRENT_BITS-1:0] i,
    input wire signed [63:0] x,
    input wire [12:0] keep,
    input wire [12:0] current_keep,
    input wire signed [31:0] bias,
    input wire signed [31:0] threshold,
    input wire signed [31:0] reset_amount,
    input wire signed [31:0] v_floor,
    input wire [`IMAGE_STEP_BITS-1:0] age,
    input wire signed [31:0] ramp,
    input wire signed [31:0] ramp_floor,
    input wire [`IMAGE_STEP_BITS-1:0] input_steps,
    input wire [`IMAGE_STEP_BITS-1:0] silent_steps
);
    localparam signed [31:0] HIGH = (32'sd1 <<< (MEMBRANE_BITS - 1)) - 32'sd1;
    reg signed [MEMBRANE_BITS-1:0] v;
    reg signed [31:0] floor_then;
    reg was_once;
`include "update_instance.vh"
    always @(posedge clk) begin
        v <= rst ? 0 : new_v;
        floor_then <= rst ? -HIGH - 32'sd1 : v_floor;
        was_once <= ~rst & (model == 3'd5);
    end
    always @* begin
        assume (v_floor >= -HIGH - 32'sd1);  // as the images are checked
        assume (v_floor <= HIGH);
        assert (v >= floor_then || (was_once && v == -HIGH - 32'sd1));
        assert (v <= HIGH);
    end
endmodule
