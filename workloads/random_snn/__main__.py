"""``python -m workloads.random_snn NET.npz``: writes a network; ``--totals`` prints a network's totals."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from workloads.random_snn.generate import Recipe, digest, generate
from workloads.random_snn.witness import totals


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workloads.random_snn", description=__doc__)
    parser.add_argument("net", type=Path, help=".npz file to write (with --totals: to read)")
    parser.add_argument("--totals", action="store_true", help="run NET in NumPy and print its totals")
    for field in dataclasses.fields(Recipe):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=int, default=field.default, help=f"default {field.default}")
    options = vars(parser.parse_args(arguments))
    net, only_totals = options.pop("net"), options.pop("totals")
    if only_totals:
        if not net.is_file():
            parser.error(f"no such file: {net}")
        with np.load(net, allow_pickle=False) as arrays:
            print(json.dumps(dataclasses.asdict(totals({k: arrays[k] for k in arrays.files}))))
        return 0
    if net.exists():
        parser.error(f"{net} exists")
    try:
        recipe = Recipe(**options)
    except ValueError as error:
        parser.error(str(error))
    made = generate(recipe, lambda text: print(text, file=sys.stderr))
    part = net.with_name(f".{net.name}.part.npz")
    np.savez_compressed(part, **made)
    part.replace(net)
    print(json.dumps({**dataclasses.asdict(recipe), "thresholds": made["threshold"].tolist(),
                      "fired": made["fired"].tolist(), "sha256": digest(made)}))  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
