// Clock and reset for a self-driving bench under Icarus (Verilator's are in main.cpp).
`ifndef BENCH
`define BENCH traffic_bench
`endif
module clock;
    reg clk, rst;
    initial begin
        clk = 0;
        rst = 1;
        #4 rst = 0;  // between rising edges (1, 3, 5, ...)
    end
    always #1 clk = ~clk;
    `BENCH bench (
        .clk(clk),
        .rst(rst)
    );
`ifdef WAVES
    // the waveform of a few cycles of the bench's own counter, and then an end: +wave_from=N +wave_to=N
    reg [63:0] wave_from, wave_to;
    initial begin
        if (!$value$plusargs("wave_from=%d", wave_from)) wave_from = 64'd0;
        if (!$value$plusargs("wave_to=%d", wave_to)) wave_to = 64'd100;
        wait (bench.cycle >= wave_from);
        $dumpfile("wave.vcd");
        $dumpvars(0, bench);
        wait (bench.cycle > wave_to);
        $finish;
    end
`endif
endmodule
