// Part of chip_bench.v, after state_dump.vh: the state of the used cores at the end of the cycle that +dump names.
// Written in the cycle after it, before anything changes; what a core does then tells whether it is blocked.
    genvar dc, dv;
    generate
        for (dc = 0; dc < `N_CORES; dc = dc + 1) begin : watch_core
            always @(posedge clk) if (dumps & present[dc])
                $fwrite(log, "%0d %0d core %0d %0d %0d %0d\n", dump_cycle, dc,
                    // a packet could be taken, by pipeline and memory port, and is not
                    chip.core[dc].unit.held & chip.core[dc].unit.running & ~chip.core[dc].unit.pipeline_busy
                        & chip.core[dc].unit.port_is_free & ~chip.core[dc].unit.starts,
                    chip.core[dc].unit.stalls, chip.core[dc].unit.transmit.length, chip.core[dc].unit.transmit.credits);
            for (dv = 0; dv < DV; dv = dv + 1) begin : queue
                integer part;  // flits of a packet whose tail is still to come: the FIFO stores tails only
                always @(posedge clk) begin
                    if (dumps & present[dc])
                        $fwrite(log, "%0d %0d received %0d %0d\n", dump_cycle, dc, dv,
                            chip.core[dc].unit.receive.channel[dv].count * `PACKET_FLITS + part);
                    if (chip_rst) part = 0;
                    else if (chip.core[dc].unit.rx_valid & (chip.core[dc].unit.rx_vc == dv))
                        part = chip.core[dc].unit.rx_flit[`FLIT_TAIL_LSB] ? 0 : part + 1;
                end
            end
        end
    endgenerate
