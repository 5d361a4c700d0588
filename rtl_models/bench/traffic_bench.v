// Self-driving bench of the bare fabric: sends a trace of packets, writes the event log (format: ../README.md).
//   +trace=FILE  $readmemh: per packet {cycle, head flit}, by sender and then by cycle
//   +first=FILE  $readmemh: per core the number of its first packet, and the number of packets at the end
//   +routes=FOLDER of router_<n>.route_table.hex, where routers have tables
//   +log=FILE +max_cycles=N; with macro DUMP_STATE also +dump=CYCLE: the routers' state at the end of that cycle
`include "neurosim_params.vh"
`ifndef TRACE_WORDS
`define TRACE_WORDS 65536
`endif
module traffic_bench (
    input wire clk,
    input wire rst
);
    localparam N = `N_CORES, W = `FLIT_BITS, V = `ROUTER_VIRTUAL_CHANNELS, VB = `VC_BITS;
    localparam RB = `CREDIT_RETURN_BITS, C = `N_TILES * `ROUTER_PORTS * V;

    reg [32+W-1:0] trace[0:`TRACE_WORDS-1];
    reg [31:0] first[0:N];
    reg [8*256-1:0] name;
    integer log_file, i;
    reg [31:0] max_cycles, n_packets;
    initial begin
        if ($value$plusargs("first=%s", name)) $readmemh(name, first);
        n_packets = first[N];
        if ($value$plusargs("trace=%s", name) && n_packets != 0) $readmemh(name, trace, 0, n_packets - 1);
        if (!$value$plusargs("max_cycles=%d", max_cycles)) max_cycles = 32'd1000000;
        if (!$value$plusargs("log=%s", name)) name = "events.log";
        log_file = $fopen(name, "w");
        $fwrite(log_file, "digest %h\n", mesh.CHIP_DIGEST);
    end

    reg [31:0] cycle, arrived, n_dropped;
    reg [N-1:0] tx_valid;
    reg [N*W-1:0] tx_flit;
    wire [N-1:0] tx_credit, rx_valid;
    wire [N*W-1:0] rx_flit;
    wire [N*VB-1:0] rx_vc;
    reg [N*V*RB-1:0] rx_credit;
    wire [C-1:0] dropped;

    /* verilator lint_off PINCONNECTEMPTY */
    neuro_mesh #(
        .LOCAL_CREDITS(`ROUTER_BUFFER_FLITS)
    ) mesh (
        .clk(clk),
        .rst(rst),
        .core_tx_valid(tx_valid),
        .core_tx_flit(tx_flit),
        .core_tx_credit(tx_credit),
        .core_rx_valid(rx_valid),
        .core_rx_flit(rx_flit),
        .core_rx_vc(rx_vc),
        .core_rx_credit(rx_credit),
        .host_tx_valid(1'b0),
        .host_tx_flit({W{1'b0}}),
        .host_tx_credit(),
        .host_rx_valid(),
        .host_rx_flit(),
        .host_rx_vc(),
        .host_rx_credit({V * RB{1'b0}}),
        .dropped(dropped),
        .copied()
    );
    /* verilator lint_on PINCONNECTEMPTY */

    genvar r;
    generate
        if (`ROUTER_TABLE_ENTRIES > 0) begin : tables
            for (r = 0; r < `N_TILES; r = r + 1) begin : router
                reg [8*256-1:0] folder, file;
                initial if ($value$plusargs("routes=%s", folder)) begin
                    $sformat(file, "%0s/router_%0d.route_table.hex", folder, r);
                    $readmemh(file, mesh.tile[r].memory.entries);
                end
            end
        end
    endgenerate

    // senders: an unbounded queue each, one flit a cycle
    genvar n;
    generate
        for (n = 0; n < N; n = n + 1) begin : node
            reg [31:0] at;
            reg [4:0] index;
            reg [12:0] credits;
            wire [12:0] now = credits + {12'b0, tx_credit[n]};
            wire [32+W-1:0] word = trace[at];
            wire is_last = index == `PACKET_FLITS - 1;
            wire sends = at != first[n+1] & word[W+:32] <= cycle & now != 0;
            always @(posedge clk) begin
                tx_valid[n] <= sends & ~rst;
                if (rst) begin
                    at <= first[n];
                    index <= 0;
                    credits <= `ROUTER_BUFFER_FLITS;
                end else begin
                    credits <= now - {12'b0, sends};
                    if (sends) begin
                        tx_flit[n*W+:W] <= word[W-1:0];
                        // nobody may read the address of a body flit: send a wrong one
                        if (index != 0) tx_flit[n*W+:`FLIT_PAYLOAD_LSB] <= ~word[`FLIT_PAYLOAD_LSB-1:0];
                        tx_flit[n*W+`FLIT_HEAD_LSB] <= index == 0;
                        tx_flit[n*W+`FLIT_TAIL_LSB] <= is_last;
                        index <= is_last ? 0 : index + 1;
                        if (is_last) at <= at + 1;
                    end
                end
            end
        end
    endgenerate

    // receivers: sink every flit at once
    always @(posedge clk) begin
        cycle <= rst ? 0 : cycle + 1;
        rx_credit <= 0;
        if (rst) begin
            arrived = 0;
            n_dropped = 0;
        end else begin
            for (i = 0; i < N; i = i + 1)
                if (rx_valid[i]) begin
                    $fwrite(log_file, "%0d %0d arrive %0h\n", cycle, i, rx_flit[i*W+:W]);
                    rx_credit[(i*V+rx_vc[i*VB+:VB])*RB] <= 1'b1;
                    if (rx_flit[i*W+`FLIT_TAIL_LSB]) arrived = arrived + 1;
                end
            if (|dropped)
                for (i = 0; i < C; i = i + 1)
                    if (dropped[i]) begin
                        $fwrite(log_file, "%0d %0d drop 0\n", cycle - 1, i / (`ROUTER_PORTS * V));
                        n_dropped = n_dropped + 1;
                    end
            if (arrived + n_dropped == n_packets || cycle == max_cycles) begin
                $fwrite(log_file, "end %0d %0d %0d\n", cycle, arrived, n_dropped);
                $fclose(log_file);
                $finish;
            end
        end
    end

`ifdef DUMP_STATE
`define DUMP_MESH mesh
`define DUMP_LOCAL_CREDITS `ROUTER_BUFFER_FLITS
`define DUMP_LOG log_file
`define DUMP_RST rst
`define DUMP_NOW cycle
`include "state_dump.vh"
`endif
endmodule
