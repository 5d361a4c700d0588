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
endmodule
