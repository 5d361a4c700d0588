"""All checks in one command: ruff, mypy, the import contracts, then the tests (arguments go to pytest)."""

from __future__ import annotations

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
TESTS = [sys.executable, "-m", "pytest", "-q", "-n", "2"]


def main() -> int:
    """Run everything, also after a failure; returns 0 only if all is well."""
    failed = [name for name, command in CHECKS.items() if not _passes(name, command)]
    if failed:
        print(f"FAILED: {', '.join(failed)}; the tests follow", flush=True)
    tests = subprocess.run([*TESTS, *sys.argv[1:]], cwd=ROOT, check=False).returncode
    return tests or int(bool(failed))


def _passes(name: str, command: list[str]) -> bool:
    found = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if found.returncode:
        print(found.stdout + found.stderr)
    print(f"{name}: {'FAILED' if found.returncode else 'passed'}", flush=True)
    return found.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
