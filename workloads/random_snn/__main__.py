"""``python -m workloads.random_snn NET.npz``: writes a network; ``--totals`` prints a network's totals."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np

from neurosim.errors import InputError
from workloads.random_snn.generate import Recipe, digest, generate
from workloads.random_snn.importer import read_random_snn
from workloads.random_snn.witness import totals


class _Parser(argparse.ArgumentParser):
    """Its complaints are errors of the project, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, code="usage", hint=f"see `{self.prog} --help`")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        return _main(arguments)
    except InputError as error:
        print(f"error: {error.text()}", file=sys.stderr)
        return error.exit_code


def _main(arguments: list[str] | None) -> int:
    parser = _Parser(prog="python -m workloads.random_snn", description=__doc__)
    parser.add_argument("net", type=Path, help=".npz file to write (with --totals: to read)")
    parser.add_argument("--totals", action="store_true", help="run NET in NumPy and print its totals")
    for field in dataclasses.fields(Recipe):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=int, default=field.default, help=f"default {field.default}")
    options = vars(parser.parse_args(arguments))
    net, only_totals = options.pop("net"), options.pop("totals")
    if only_totals:
        print(json.dumps(dataclasses.asdict(totals(read_random_snn(net, is_whole=True)))))
        return 0
    recipe = Recipe(**options)
    if net.exists():
        raise InputError(
            "the output exists", code="output-exists", where=str(net), hint="choose another output"
        )
    if not net.parent.is_dir():
        raise InputError(
            "the folder to write into does not exist", code="output-no-parent", where=str(net.parent)
        )
    made = generate(recipe, lambda text: print(text, file=sys.stderr))
    part = net.with_name(f".{net.name}.part.npz")
    np.savez_compressed(part, **made)
    part.replace(net)
    print(json.dumps({**dataclasses.asdict(recipe), "thresholds": made["threshold"].tolist(),
                      "fired": made["fired"].tolist(), "sha256": digest(made)}))  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
