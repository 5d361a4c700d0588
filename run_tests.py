"""All checks in one command: ruff, mypy, the import contracts, then the tests (arguments go to pytest).

The tests of the Verilog need Icarus, which only the distribution's package manager has: it is installed
where that is possible without asking for a password, else the command is printed and those tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
CHECKS = {
    "ruff": [sys.executable, "-m", "ruff", "check", "."],
    "mypy": [sys.executable, "-m", "mypy"],
    "import contracts": [
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())",
    ],
}
ICARUS = ["apt-get", "install", "-y", "-q", "iverilog"]
TESTS = [sys.executable, "-m", "pytest", "-q", "-n", "2"]


def main() -> int:
    """Run everything, also after a failure; returns 0 only if all is well."""
    _get_icarus()
    failed = [name for name, command in CHECKS.items() if not _passes(name, command)]
    if failed:
        print(f"FAILED: {', '.join(failed)}; the tests follow", flush=True)
    tests = subprocess.run([*TESTS, *sys.argv[1:]], cwd=ROOT, check=False).returncode
    return tests or int(bool(failed))


def _get_icarus() -> None:
    if shutil.which("iverilog"):
        return
    root: list[str] = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not root or shutil.which("sudo")):
        for command in (ICARUS, ["apt-get", "update", "-q"], ICARUS):
            done = subprocess.run([*root, *command], capture_output=True, check=False)
            if done.returncode == 0 and shutil.which("iverilog"):
                return
    print(f"Icarus Verilog is missing; tests that need it are skipped. To get it: sudo {' '.join(ICARUS)}")


def _passes(name: str, command: list[str]) -> bool:
    found = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if found.returncode:
        print(found.stdout + found.stderr)
    print(f"{name}: {'FAILED' if found.returncode else 'passed'}", flush=True)
    return found.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
