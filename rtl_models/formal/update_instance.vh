// Part of the properties of a neuron's update: the update `rules` with everything that goes in and comes out.
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
        .model(model), .reset_code(reset_code), .v(v), .i(i), .x(x), .keep(keep), .current_keep(current_keep),
        .bias(bias), .threshold(threshold), .reset_amount(reset_amount), .v_floor(v_floor), .age(age), .ramp(ramp),
        .ramp_floor(ramp_floor), .input_steps(input_steps), .silent_steps(silent_steps), .new_v(new_v),
        .new_i(new_i), .spikes(spikes), .active(active), .overflows(overflows)
    );
