"""Verilog reference cores and the benches that hold them against the cycle contract."""
