"""cocotb benches, run inside the simulator: driver, monitor, model = the rules, checker."""

JOB = "NEUROSIM_BENCH_JOB"
"""Environment variable with the path of the bench's job, a JSON file."""
