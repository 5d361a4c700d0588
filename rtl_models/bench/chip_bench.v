// Self-driving bench of a whole system: loads images, sends the host's packets, writes the event log.
// Event log: ../hdl/neuro_chip.md. Plusargs: images=FOLDER log=FILE samples=N sample_steps=N n_steps=N weight_bits=N limit=CYCLES (per sample).
// With macro DUMP_STATE also dump=CYCLE: routers and cores at the end of that cycle of every sample (README.md).
`include "neurosim_params.vh"
module chip_bench (
    input wire clk,
    input wire rst  // high at the start; the chip is reset before every sample by the bench
);
    localparam [63:0] REPORT_DELAY = `IMAGE_BARRIER_UP_CYCLES + 1;  // from a step's end to the root's knowing

    reg chip_rst;
    reg [4:0] weight_bits;
    reg [`IMAGE_STEP_BITS-1:0] sample_steps, n_steps;
    reg [31:0] list_length;
    reg [`FLIT_BITS-1:0] list_packet;
    wire list_next, token, step_ends, done;
    wire [`IMAGE_STEP_BITS-1:0] ended;
    neuro_chip chip (
        .clk(clk), .rst(chip_rst), .weight_bits(weight_bits), .sample_steps(sample_steps), .n_steps(n_steps),
        .list_length(list_length), .list_packet(list_packet), .list_next(list_next), .token(token),
        .step_ends(step_ends), .ended(ended), .done(done)
    );

    reg [8*256-1:0] folder, log_name, name;
    reg present[0:`N_CORES-1];
    integer log, lengths, packets, n_samples, n_sample_steps, n_all_steps, n_weight_bits, found;
    integer sample, held;
    reg [63:0] limit, now, cycle;
    reg booted, finished, wants_length, wants_packet;

    initial begin
        found = $value$plusargs("images=%s", folder) + $value$plusargs("log=%s", log_name)
            + $value$plusargs("samples=%d", n_samples) + $value$plusargs("sample_steps=%d", n_sample_steps)
            + $value$plusargs("n_steps=%d", n_all_steps) + $value$plusargs("weight_bits=%d", n_weight_bits)
            + $value$plusargs("limit=%d", limit);
        if (found != 7) begin
            $display("chip_bench: needs images, log, samples, sample_steps, n_steps, weight_bits, limit");
            $finish;
        end
        sample_steps = n_sample_steps[`IMAGE_STEP_BITS-1:0];
        n_steps = n_all_steps[`IMAGE_STEP_BITS-1:0];
        weight_bits = n_weight_bits[4:0];
        $sformat(name, "%0s/present.hex", folder);
        $readmemh(name, present);
        $sformat(name, "%0s/host_lengths.txt", folder);
        lengths = $fopen(name, "r");
        $sformat(name, "%0s/host_packets.txt", folder);
        packets = $fopen(name, "r");
        log = $fopen(log_name, "w");
        $fwrite(log, "digest %h\n", chip.mesh.CHIP_DIGEST);
        next_length;
        next_packet;
        sample = 0;
        held = 0;
        cycle = 64'd0;
        now = 64'd0;
        chip_rst = 1'b1;
        booted = 1'b0;
        finished = 1'b0;
        wants_length = 1'b0;
        wants_packet = 1'b0;
    end

    task next_length;
        if ($fscanf(lengths, "%d", list_length) != 1) list_length = 32'd0;
    endtask
    task next_packet;
        if ($fscanf(packets, "%h", list_packet) != 1) list_packet = {`FLIT_BITS{1'b0}};
    endtask

    // tables of all routers, where these have some
    genvar r;
    generate
        if (`ROUTER_TABLE_ENTRIES > 0) begin : tables
            for (r = 0; r < `N_TILES; r = r + 1) begin : router
                reg [8*256-1:0] file;
                always @(posedge clk) if (rst & ~booted) begin
                    $sformat(file, "%0s/router_%0d.route_table.hex", folder, r);
                    $readmemh(file, chip.mesh.tile[r].memory.entries);
                end
            end
        end
    endgenerate

    generate
        if (`ROUTER_MULTICAST_ENTRIES > 0) begin : trees
            for (r = 0; r < `N_TILES; r = r + 1) begin : router
                reg [8*256-1:0] file;
                always @(posedge clk) if (rst & ~booted) begin
                    $sformat(file, "%0s/router_%0d.tree_table.hex", folder, r);
                    $readmemh(file, chip.mesh.tile[r].tree_memory.entries);
                end
            end
        end
    endgenerate

    // images of the used cores; a core without a program has no groups and does nothing
    genvar c;
    generate
        for (c = 0; c < `N_CORES; c = c + 1) begin : image
            reg [8*256-1:0] file;
            integer g;
            always @(posedge clk) if (rst & ~booted) begin
                if (present[c]) begin
                    $sformat(file, "%0s/core_%0d.axon_table.hex", folder, c);
                    $readmemh(file, chip.core[c].unit.pipeline.axon_table);
                    $sformat(file, "%0s/core_%0d.synapse_memory.hex", folder, c);
                    $readmemh(file, chip.core[c].unit.pipeline.synapse_memory);
                    $sformat(file, "%0s/core_%0d.group_table.hex", folder, c);
                    $readmemh(file, chip.core[c].unit.loop.group_table);
                    $sformat(file, "%0s/core_%0d.parameters.hex", folder, c);
                    $readmemh(file, chip.core[c].unit.loop.parameters);
                    $sformat(file, "%0s/core_%0d.target_pointer.hex", folder, c);
                    $readmemh(file, chip.core[c].unit.loop.target_pointer);
                    $sformat(file, "%0s/core_%0d.target_table.hex", folder, c);
                    $readmemh(file, chip.core[c].unit.loop.target_table);
                end else
                    for (g = 0; g < `IMAGE_GROUPS; g = g + 1)
                        chip.core[c].unit.loop.group_table[g] = {`IMAGE_GROUP_BITS{1'b0}};
            end

            // events of this core; `now` is set before, on the falling edge
            always @(posedge clk)
                if (~chip_rst & (now != 64'd0)) begin
                    if (chip.core[c].unit.injects) $fwrite(log, "%0d %0d inject %0h\n", now, c, chip.core[c].unit.inject_flit);
                    if (chip.core[c].unit.rx_valid & chip.core[c].unit.rx_flit[`FLIT_TAIL_LSB])
                        $fwrite(log, "%0d %0d arrive %0h\n", now, c, chip.core[c].unit.rx_flit);
                    if (chip.core[c].unit.spikes_now)
                        $fwrite(log, "%0d %0d spike %0d %0d %0d\n", now, c, chip.core[c].unit.spike_step,
                            chip.core[c].unit.spike_neuron, chip.core[c].unit.spike_count);
                    if (token & (now != 64'd1) & chip.core[c].unit.busy) $fwrite(log, "%0d %0d missed\n", now, c);
                    if (done & present[c])
                        $fwrite(log, "%0d %0d counts %0d %0d %0d %0d\n", now, c, chip.core[c].unit.late_packets,
                            chip.core[c].unit.stall_cycles, chip.core[c].unit.membrane_overflows,
                            chip.core[c].unit.accumulator_overflows);
                end
            // final membranes that are not 0, for outputs that are read
            always @(negedge clk)
                if (~chip_rst & finished & present[c])
                    for (g = 0; g < `IMAGE_NEURONS; g = g + 1) if (chip.core[c].unit.loop.membrane[g] != 0)
                        $fwrite(log, "%0d %0d membrane %0d %0d\n", now, c, g, chip.core[c].unit.loop.membrane[g]);
        end
    endgenerate

`ifdef DUMP_STATE
`define DUMP_MESH chip.mesh
`define DUMP_LOCAL_CREDITS `CORE_RX_FLITS
`define DUMP_LOG log
`define DUMP_RST chip_rst
`define DUMP_NOW now
`include "state_dump.vh"
`include "core_dump.vh"
`endif

    // between the edges: what the host sends next, and which cycle it is. The first token arrives in cycle 1.
    always @(negedge clk) begin
        if (wants_length) next_length;
        if (wants_packet) next_packet;
        now = (~chip_rst & token & (cycle == 64'd0)) ? 64'd1 : cycle;
    end

    always @(posedge clk) begin
        booted <= 1'b1;
        finished <= done & ~chip_rst;
        wants_length <= token & ~chip_rst;
        wants_packet <= list_next & ~chip_rst;
        if (chip_rst) begin
            cycle <= 64'd0;
            held <= held + 1;
            if (~rst & (held > `IMAGE_RESET_CYCLES)) chip_rst <= 1'b0;
        end else begin
            if (now != 64'd0) cycle <= now + 64'd1;
            if (token) begin
                $fwrite(log, "%0d -1 token\n", now);
                if (chip.host_busy & (now != 64'd1)) $fwrite(log, "%0d -1 missed\n", now);
            end
            if (chip.host_injects) $fwrite(log, "%0d -1 inject %0h\n", now, list_packet);
            if (chip.host_rx_valid & chip.host_rx_flit[`FLIT_TAIL_LSB])
                $fwrite(log, "%0d -1 arrive %0h\n", now, chip.host_rx_flit);
            if (step_ends) $fwrite(log, "%0d -1 ended %0d\n", now - REPORT_DELAY, ended);
            if (finished) begin
                $fwrite(log, "end %0d\n", now);
                chip_rst <= 1'b1;
                held <= 0;
                sample <= sample + 1;
            end
            if (now > limit) $fwrite(log, "limit %0d\n", now);
            if ((now > limit) | (finished & (sample + 1 == n_samples))) begin
                $fclose(log);
                $finish;
            end
        end
    end
endmodule
