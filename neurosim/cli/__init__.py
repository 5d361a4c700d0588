"""The command line: one thin command per public function of :mod:`neurosim.api`.

Only this package prints.  ``neurosim --help`` stays fast: everything heavy is imported by the command
that needs it.
"""

from __future__ import annotations

from neurosim.cli.guard import main

__all__ = ["main"]
