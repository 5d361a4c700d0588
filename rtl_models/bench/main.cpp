// Clock and reset for a self-driving bench under Verilator, until it says $finish.
#include "Vbench.h"
#include "verilated.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vbench bench{&context};
    bench.rst = 1;
    for (int half = 0; !context.gotFinish(); half = half < 8 ? half + 1 : 7 + half % 2) {
        bench.clk = half & 1;
        if (half == 4) bench.rst = 0;
        bench.eval();
    }
    bench.final();
#if VM_COVERAGE
    context.coveragep()->write("coverage.dat");
#endif
    return 0;
}
