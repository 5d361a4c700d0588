"""Independent checkers: each artefact of the mapper against the network and the chip it claims to map.

They share no code with the producers: no capacity rules of the mapper, no anatomy, no tables.  Every
checker returns a list of problems, one sentence each; an empty list means that all is well.
"""

from __future__ import annotations

from mapper.check.partition import check_partition
from mapper.check.placement import check_placement
from mapper.check.program import check_program
from mapper.check.routes import check_routes
from mapper.check.table import check_table
from mapper.check.trees import check_trees

__all__ = [
    "check_partition", "check_placement", "check_program", "check_routes", "check_table", "check_trees",
]  # fmt: skip
