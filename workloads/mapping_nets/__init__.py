"""Nets for measuring placers: what a partition would hand them, made from nothing but their names.

Each module writes :class:`ClusterNet` (or a grid instance with its best-known cost); nothing is read
but the tables of ``qaplib.txt``.  README.md says where each net comes from and what it costs.
"""

from __future__ import annotations

from workloads.mapping_nets.base import ClusterNet, curve_cost
from workloads.mapping_nets.jin import hilbert_curve, jin_net
from workloads.mapping_nets.layered import layered_net
from workloads.mapping_nets.qaplib import GridInstance, grid_instance, grid_names

__all__ = [
    "ClusterNet", "GridInstance", "curve_cost", "grid_instance", "grid_names", "hilbert_curve", "jin_net",
    "layered_net",
]  # fmt: skip
