// Reads cases of the neuron's update rule, writes what neuron_update makes of each.
//   +cases=FILE: a case per line, decimal: model reset v i x keep current_keep bias threshold reset_amount v_floor
//                age ramp ramp_floor input_steps silent_steps
//   +log=FILE: new_v new_i spikes active overflows
`include "neurosim_params.vh"
module update_bench (
    input wire clk,
    input wire rst
);
    reg [8*256-1:0] name;
    integer cases, log, n;
    reg signed [63:0] x;
    reg signed [31:0] v, i, bias, threshold, reset_amount, v_floor, ramp, ramp_floor;
    integer model, reset_code, keep, current_keep, age, input_steps, silent_steps;
    wire signed [`CORE_MEMBRANE_BITS-1:0] new_v;
    wire signed [`CORE_CURRENT_BITS-1:0] new_i;
    wire [31:0] spikes;
    wire active;
    wire [1:0] overflows;
    neuron_update rules (
        .model(model[2:0]), .reset_code(reset_code[2:0]), .v(v[`CORE_MEMBRANE_BITS-1:0]),
        .i(i[`CORE_CURRENT_BITS-1:0]), .x(x), .keep(keep[12:0]), .current_keep(current_keep[12:0]), .bias(bias),
        .threshold(threshold), .reset_amount(reset_amount), .v_floor(v_floor),
        .age(age[`IMAGE_STEP_BITS-1:0]), .ramp(ramp), .ramp_floor(ramp_floor),
        .input_steps(input_steps[`IMAGE_STEP_BITS-1:0]), .silent_steps(silent_steps[`IMAGE_STEP_BITS-1:0]), .new_v(new_v), .new_i(new_i),
        .spikes(spikes), .active(active), .overflows(overflows)
    );
    reg started = 1'b0;
    initial begin
        if ($value$plusargs("cases=%s", name)) cases = $fopen(name, "r");
        if ($value$plusargs("log=%s", name)) log = $fopen(name, "w");
    end
    // read between the rising edges, write on them
    always @(negedge clk) if (~rst)
        n = $fscanf(cases, "%d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d", model, reset_code, v, i, x, keep,
            current_keep, bias, threshold, reset_amount, v_floor, age, ramp, ramp_floor, input_steps, silent_steps);
    always @(negedge clk) started <= ~rst;
    always @(posedge clk)
        if (~rst & started) begin
            if (n == 16) $fwrite(log, "%0d %0d %0d %0d %0d\n", new_v, new_i, spikes, active, overflows);
            else begin
                $fclose(log);
                $finish;
            end
        end
endmodule
