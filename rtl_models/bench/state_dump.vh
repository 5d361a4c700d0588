// Part of a bench that is compiled with macro DUMP_STATE: +dump=CYCLE writes the state of all routers at the end of
// that cycle. Before it is included: `DUMP_MESH (the neuro_mesh), `DUMP_LOCAL_CREDITS (its parameter), `DUMP_LOG (file),
// `DUMP_RST, `DUMP_NOW (this cycle).
// With multicast a channel has a line for each copy that its front flit owes.
// The wait-for graph needs owners, which the router does not keep: they follow from what moves.
    localparam DP = `ROUTER_PORTS, DV = `ROUTER_VIRTUAL_CHANNELS, DW = `FLIT_BITS, PB = `PORT_BITS, OB = `VC_BITS + PB;
    localparam LB = $clog2(`ROUTER_BUFFER_FLITS + 1);  // bits of a length
    localparam MOST = `ROUTER_BUFFER_FLITS > `DUMP_LOCAL_CREDITS ? `ROUTER_BUFFER_FLITS : `DUMP_LOCAL_CREDITS;
    localparam CB = $clog2(MOST + 1);  // ... of credits
    reg [31:0] dump_cycle;
    initial if (!$value$plusargs("dump=%d", dump_cycle)) dump_cycle = 32'hffffffff;
    wire dumps = !`DUMP_RST && dump_cycle != 32'hffffffff && `DUMP_NOW == dump_cycle + 1;
    genvar dt;
    generate
        for (dt = 0; dt < `N_TILES; dt = dt + 1) begin : watch
            integer owner[0:(1<<OB)-1];
            integer c, o;
            always @(posedge clk) begin
                if (dumps) begin
                    for (c = 0; c < DP * DV; c = c + 1) if (length(c) != 0) begin
                        if (`ROUTER_MULTICAST_ENTRIES == 0)
                            one_way(c, `DUMP_MESH.tile[dt].router.want[c*OB+:PB],
                                `DUMP_MESH.tile[dt].router.want[c*OB+PB+:`VC_BITS]);
                        else for (o = 0; o < DP; o = o + 1) if (`DUMP_MESH.tile[dt].router.owes[c*DP+o])
                            one_way(c, o, `DUMP_MESH.tile[dt].router.branch_vc[(c*DP+o)*`VC_BITS+:`VC_BITS]);
                    end
                    for (o = 0; o < (1 << OB); o = o + 1) if (o % (1 << PB) < DP && o / (1 << PB) < DV)
                        $fwrite(`DUMP_LOG, "%0d %0d credits %0d %0d %0d %0d %0d\n", dump_cycle, dt, o % (1 << PB),
                            o / (1 << PB), `DUMP_MESH.tile[dt].router.credits[o*CB+:CB],
                            owner[o] < 0 ? -1 : owner[o] / DV, owner[o] < 0 ? -1 : owner[o] % DV);
                end
                if (`DUMP_RST) for (o = 0; o < (1 << OB); o = o + 1) owner[o] = -1;
                else for (c = 0; c < DP * DV; c = c + 1)
                    if (`DUMP_MESH.tile[dt].router.moves[c])
                        owner[`DUMP_MESH.tile[dt].router.want[c*OB+:OB]] =
                            `DUMP_MESH.tile[dt].router.tail[c] ? -1 : c;
            end
            task one_way(input integer channel, port, vc);
                $fwrite(`DUMP_LOG, "%0d %0d state %0d %0d %0d %0h %0d %0d\n", dump_cycle, dt, channel / DV, channel % DV,
                    length(channel), `DUMP_MESH.tile[dt].router.front[channel*DW+:DW], port, vc);
            endtask
            function integer length(input integer channel);
                length = `DUMP_MESH.tile[dt].router.length[channel*LB+:LB];
            endfunction
        end
    endgenerate
