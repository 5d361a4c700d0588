// One neuromorphic core: receive FIFO, synapse pipeline, neuron loop, transmit FIFO, and the memory port that they
// share. STEP of the contract in the order of its section 4 (see neuron_core.md).
`include "neurosim_params.vh"
module neuron_core (
    // inputs are marked so that Verilator makes one C++ class for all cores: they stay what they are
    input  wire                                                     clk,
    input  wire                                                     rst /*verilator public_flat_rd*/,
    // configuration, constant while the core runs
    input  wire [                                              4:0] weight_bits /*verilator public_flat_rd*/,
    input  wire [                             `IMAGE_STEP_BITS-1:0] sample_steps /*verilator public_flat_rd*/,
    // fabric
    input  wire                                                     rx_valid /*verilator public_flat_rd*/,
    input  wire [                                   `FLIT_BITS-1:0] rx_flit /*verilator public_flat_rd*/,
    input  wire [                                     `VC_BITS-1:0] rx_vc /*verilator public_flat_rd*/,
    output wire [`ROUTER_VIRTUAL_CHANNELS*`CREDIT_RETURN_BITS-1:0] rx_credit,
    output wire                                                     tx_valid,
    output wire [                                   `FLIT_BITS-1:0] tx_flit,
    input  wire                                                     tx_credit /*verilator public_flat_rd*/,
    // time steps
    input  wire                                                     token /*verilator public_flat_rd*/,
    output reg  [                          `IMAGE_BALANCE_BITS-1:0] balance  // packets sent, less packets consumed and loops done
);
    /*verilator no_inline_module*/
    localparam SB = `IMAGE_STEP_BITS, BB = `IMAGE_BALANCE_BITS;
    localparam SHARED = `CORE_MEMORY_PORTS == 1;
    localparam HALF_DUPLEX = `CORE_RECEIVE_DURING_UPDATE == 0;

    // probes: what happens in this cycle, and counters, for benches to read by name
    wire busy;  // work was left when the cycle began
    wire injects, spikes_now;
    wire [`FLIT_BITS-1:0] inject_flit;
    wire [SB-1:0] spike_step;
    wire [`IMAGE_NEURON_BITS-1:0] spike_neuron;
    wire [31:0] spike_count, membrane_overflows, accumulator_overflows;
    reg [31:0] late_packets, stall_cycles;

    // receive
    wire waiting, held;
    wire [`FLIT_BITS-1:0] head;
    wire starts;
    receive_fifo receive (
        .clk(clk), .rst(rst), .in_valid(rx_valid), .in_flit(rx_flit), .in_vc(rx_vc), .take(starts),
        .waiting(waiting), .head(head), .holds(held), .credit(rx_credit)
    );

    // memory port: cycles for which it is still held
    reg [31:0] port_rest;
    wire port_is_free = !SHARED | (port_rest == 32'd0);

    // synapse pipeline
    wire pipeline_busy, finishes, is_late, running;
    wire [31:0] cost;
    wire [SB-1:0] core_step;
    wire [`IMAGE_SLOT_BITS-1:0] core_slot, loop_slot;
    wire [`IMAGE_NEURON_BITS-1:0] loop_neuron;
    wire loop_takes;
    wire signed [`CORE_ACCUMULATOR_BITS-1:0] loop_sum;
    assign starts = ~rst & waiting & (~pipeline_busy | finishes) & port_is_free & ~(HALF_DUPLEX & running);
    synapse_pipeline pipeline (
        .clk(clk), .rst(rst), .weight_bits(weight_bits), .sample_steps(sample_steps),
        .start(starts), .axon(head[`FLIT_AXON_LSB+:`FLIT_AXON_BITS]),
        .packet_step(head[`FLIT_STEP_LSB+:`FLIT_STEP_BITS]), .cost(cost), .busy(pipeline_busy),
        .finish(finishes), .is_late(is_late), .core_step(core_step), .core_slot(core_slot),
        .loop_slot(loop_slot), .loop_neuron(loop_neuron), .loop_takes(loop_takes), .loop_sum(loop_sum),
        .overflows(accumulator_overflows)
    );

    // neuron loop
    wire room, push, updates, ends, stalls, tokens_wait;
    wire [31:0] update_cycles;
    wire [`IMAGE_TARGET_BITS-1:0] target;
    wire [SB-1:0] push_step;
    neuron_loop loop (
        .clk(clk), .rst(rst), .sample_steps(sample_steps), .token(token), .loop_slot(loop_slot),
        .loop_neuron(loop_neuron), .loop_takes(loop_takes), .loop_sum(loop_sum),
        .port_is_free(port_is_free & ~(SHARED & starts)), .updates(updates), .update_cycles(update_cycles),
        .room(room), .push(push), .push_target(target), .push_step(push_step), .core_step(core_step),
        .core_slot(core_slot), .loop_step(spike_step), .running(running), .tokens_wait(tokens_wait), .ends(ends),
        .spikes(spike_count), .stalls(stalls), .overflows(membrane_overflows)
    );

    // transmit
    wire tx_holds;
    wire [SB+`FLIT_STEP_BITS-1:0] wide_step = {{`FLIT_STEP_BITS{1'b0}}, push_step};
    wire [`FLIT_BITS-1:0] packet = {2'b11, wide_step[`FLIT_STEP_BITS-1:0], target};  // tail, head, step, ...
    transmit_fifo transmit (
        .clk(clk), .rst(rst), .push(push), .push_flit(packet), .room(room), .holds(tx_holds),
        .credit(tx_credit), .out_valid(tx_valid), .out_flit(tx_flit)
    );

    always @(posedge clk)
        if (rst) begin
            port_rest <= 32'd0;
            balance <= {BB{1'b0}};
            late_packets <= 32'd0;
            stall_cycles <= 32'd0;
        end else begin
            port_rest <= starts ? cost - 32'd1 : updates ? update_cycles - 32'd1
                       : port_rest != 32'd0 ? port_rest - 32'd1 : 32'd0;
            balance <= balance + {{BB - 1{1'b0}}, push} - {{BB - 1{1'b0}}, finishes} - {{BB - 1{1'b0}}, ends};
            if (finishes & is_late) late_packets <= late_packets + 32'd1;
            if (stalls) stall_cycles <= stall_cycles + 32'd1;
        end

    assign busy = running | tokens_wait | pipeline_busy | held | tx_holds;
    assign injects = push & ~rst;
    assign inject_flit = packet;
    assign spikes_now = updates & (spike_count != 32'd0) & ~rst;
    assign spike_neuron = loop_neuron;

    wire unused = &{1'b0, wide_step[SB+`FLIT_STEP_BITS-1:`FLIT_STEP_BITS], head, busy, injects, spikes_now,
        inject_flit, spike_step, spike_neuron, membrane_overflows, accumulator_overflows, late_packets, stall_cycles};
endmodule
