"""``python -m workloads.imagenet NAME -o NET.npz``: writes a network with random weights and an input for it.

The input, at the assumed density, goes to ``NET_input.npz``; the densities of all layers are printed as JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from neurosim import store
from workloads.imagenet import DENSITY, INPUT_DENSITY, STEPS, metaspikeformer_15m, resnet
from workloads.imagenet.calibrate import calibrated, random_input

NETWORKS = {"resnet50": resnet, "metaspikeformer-15m": metaspikeformer_15m}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workloads.imagenet", description=__doc__)
    parser.add_argument("name", choices=sorted(NETWORKS), help="network to make")
    parser.add_argument("-o", "--out", type=Path, required=True, help=".npz file to write the network to")
    parser.add_argument("--seed", type=int, default=0, help="of weights and input; default 0")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"time steps of the input; default {STEPS}")
    parser.add_argument(
        "--density", type=float, default=DENSITY, help=f"spikes per neuron and step; default {DENSITY}"
    )
    parser.add_argument(
        "--input-density", type=float, default=INPUT_DENSITY,
        help=f"spikes per input pixel and step; default {INPUT_DENSITY}",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    out = options.out
    if out.suffix != ".npz":
        parser.error(f"{out} must end in .npz")
    given = out.with_name(f"{out.stem}_input.npz")
    for path in (out, given):
        if path.exists():
            parser.error(f"{path} exists")
    if not out.parent.is_dir():
        parser.error(f"there is no folder {out.parent}")
    if options.seed < 0 or options.steps < 1:
        parser.error("a seed is 0 or more, and there is at least 1 step")
    if not (0 < options.density < 1 and 0 < options.input_density <= 1):
        parser.error("densities lie between 0 and 1")
    network = NETWORKS[options.name](options.seed)
    x = random_input(network, options.steps, options.input_density, options.seed)
    network, found = calibrated(network, x[0], options.density, lambda text: print(text, file=sys.stderr))
    said = (
        f"random 8-bit weights (seed {options.seed}), nothing is trained; thresholds set for "
        f"{options.density:g} spikes per neuron and step on an input of {options.input_density:g}"
    )
    network = dataclasses.replace(network, warnings=(said, *network.warnings))
    part = given.with_name(f".{given.name}.part.npz")
    np.savez_compressed(part, x=x)
    part.replace(given)
    store.save(network, out)
    spiking = [v for name, v in found.items() if name not in network.outputs]
    print(json.dumps({
        "network": network.name, "neurons": network.n_neurons, "synapses": network.n_synapses,
        "digest": store.digest(network), "warnings": list(network.warnings), "seed": options.seed,
        "mean_density": float(np.mean(spiking)), "densities": found, "written": [str(out), str(given)],
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
