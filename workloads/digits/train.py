#!/usr/bin/env python3
"""Train two spiking networks on the scikit-learn digits and export them to NIR.

`dense` is 64-128-10 with leaky neurons (LIF) and biases; `conv` is a small convolutional network with
integrate-and-fire neurons (IF), average pooling and no trained bias. For each network the script writes

    NET.nir          the trained network, float32 weights
    NET_test.npz     x (samples, steps, *input_shape) uint8, y (samples,) int64: the held-out test set
    NET_spikes.npz   layer0, layer1, ...: the spikes of every spiking layer for the first test samples,
                     uint8 (samples, steps, *layer_shape), recorded in float64 arithmetic

and adds its figures to results.json. See README.md for the commands and the measured figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from spikingjelly.activation_based.nir_exchange import export_to_nir
from torch import nn

STEPS = 20
CODE_PERIOD = 32  # a pixel of value v (0..16) fires v times in 32 steps: at most every second step
TEST_SAMPLES = 450
RECORDED_SAMPLES = 100
BATCH = 64
DT = 1e-4  # seconds per step, as written to the .nir file
LIF_TAU = 4.0  # membrane time constant in steps; a power of two, so 1 - 1/tau is exact
PACKAGES = ("torch", "spikingjelly", "nir", "nirtorch", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Recipe:
    """Everything that defines one network and its training, except the seed."""

    input_shape: tuple[int, ...]
    build: Callable[[], nn.Sequential]
    epochs: int
    learning_rate: float
    rate_penalty: float  # weight of the mean firing rate (spikes per neuron and step) in the loss


def leaky() -> neuron.LIFNode:
    """LIF layer: h = v - v / tau + x; spike if h >= 1; v = 0 after a spike, else h."""
    return neuron.LIFNode(tau=LIF_TAU, decay_input=False, v_threshold=1.0, v_reset=0.0,
                          surrogate_function=surrogate.ATan(), detach_reset=True)


def integrator() -> neuron.IFNode:
    """IF layer: h = v + x; spike if h >= 1; v = 0 after a spike, else h."""
    return neuron.IFNode(v_threshold=1.0, v_reset=0.0, surrogate_function=surrogate.ATan(), detach_reset=True)


def build_dense() -> nn.Sequential:
    """Fully connected network 64-128-10 with biases."""
    return nn.Sequential(OrderedDict(
        fc1=layer.Linear(64, 128),
        lif1=leaky(),
        fc2=layer.Linear(128, 10),
        lif2=leaky(),
    ))


def build_conv() -> nn.Sequential:
    """Two 3x3 convolutions, each with IF neurons and 2x2 average pooling, then a linear read-out."""
    return nn.Sequential(OrderedDict(
        conv1=layer.Conv2d(1, 8, kernel_size=3, padding=1, bias=False),
        if1=integrator(),
        pool1=layer.AvgPool2d(2),
        conv2=layer.Conv2d(8, 16, kernel_size=3, padding=1, bias=False),
        if2=integrator(),
        pool2=layer.AvgPool2d(2),
        flatten=layer.Flatten(),
        fc=layer.Linear(64, 10, bias=False),
        if3=integrator(),
    ))


def recipes() -> dict[str, Recipe]:
    """List the networks this script can train, by name."""
    return {
        "dense": Recipe((64,), build_dense, epochs=40, learning_rate=2e-3, rate_penalty=1.0),
        "conv": Recipe((1, 8, 8), build_conv, epochs=80, learning_rate=8e-3, rate_penalty=1.0),
    }


def encode(images: np.ndarray) -> np.ndarray:
    """Turn pixel values 0..16 into spikes (samples, STEPS, *image) by a first-order sigma-delta code.

    Integer arithmetic: the accumulator starts at CODE_PERIOD / 2, the pixel value is added in every step,
    and whenever it reaches CODE_PERIOD the pixel spikes and CODE_PERIOD is subtracted.
    """
    pixels = images.astype(np.int64)
    accumulator = np.full(pixels.shape, CODE_PERIOD // 2)
    spikes = np.zeros((pixels.shape[0], STEPS, *pixels.shape[1:]), np.uint8)
    for step in range(STEPS):
        accumulator += pixels
        fired = accumulator >= CODE_PERIOD
        accumulator -= CODE_PERIOD * fired
        spikes[:, step] = fired
    return spikes


def split_digits(input_shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, ...]:
    """Return the encoded digits, split by class share: x_train, x_test, y_train, y_test."""
    digits = load_digits()
    x = encode(digits.data.reshape(-1, *input_shape))
    y = digits.target.astype(np.int64)
    return tuple(train_test_split(x, y, test_size=TEST_SAMPLES, stratify=y, random_state=seed))


def layer_spikes(net: nn.Sequential, x: torch.Tensor) -> list[torch.Tensor]:
    """Run the network on x (steps, samples, ...) from rest; the spikes of each spiking layer, in order."""
    functional.reset_net(net)
    recorded = []
    for module in net:
        x = module(x)
        if isinstance(module, neuron.BaseNode):
            recorded.append(x)
    return recorded


def loss_of(spikes: list[torch.Tensor], labels: torch.Tensor, rate_penalty: float) -> torch.Tensor:
    """Cross entropy of the output spike counts plus the penalised mean rate of the hidden layers."""
    counts = spikes[-1].sum(dim=0)
    rate = torch.stack([hidden.mean() for hidden in spikes[:-1]]).mean()
    return nn.functional.cross_entropy(counts, labels) + rate_penalty * rate


def train(recipe: Recipe, x: np.ndarray, y: np.ndarray, seed: int) -> nn.Sequential:
    """Train a new network for the given number of epochs with Adam and a cosine learning rate."""
    torch.manual_seed(seed)
    net = recipe.build()
    functional.set_step_mode(net, "m")
    inputs = torch.from_numpy(x).float().transpose(0, 1).contiguous()
    labels = torch.from_numpy(y)
    optimizer = torch.optim.Adam(net.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs)
    for epoch in range(recipe.epochs):
        total = 0.0
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(layer_spikes(net, inputs[:, batch]), labels[batch], recipe.rate_penalty)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        schedule.step()
        if (epoch + 1) % 10 == 0:
            print(f"  epoch {epoch + 1:3d}  loss {total / len(labels):.4f}", flush=True)
    return net


def record(net: nn.Sequential, x: np.ndarray, dtype: torch.dtype) -> list[np.ndarray]:
    """Spikes of every spiking layer, uint8 (samples, steps, *layer_shape), computed in the given type."""
    net.to(dtype)
    with torch.no_grad():
        spikes = layer_spikes(net, torch.from_numpy(x).to(dtype).transpose(0, 1).contiguous())
    functional.reset_net(net)
    net.to(torch.float32)  # the weights are float32 throughout; only the arithmetic changes
    return [s.transpose(0, 1).to(torch.uint8).numpy() for s in spikes]


def accuracy(output_spikes: np.ndarray, labels: np.ndarray) -> float:
    """Share of samples whose label is the output with most spikes (ties go to the lowest index)."""
    return float((output_spikes.sum(axis=1, dtype=np.int64).argmax(axis=1) == labels).mean())


def export(net: nn.Sequential, input_shape: tuple[int, ...], path: Path) -> None:
    """Write the network to a .nir file with SpikingJelly's own exporter."""
    functional.set_step_mode(net, "s")
    functional.reset_net(net)
    export_to_nir(net, torch.zeros(1, *input_shape), save_path=path, dt=DT)
    functional.reset_net(net)
    functional.set_step_mode(net, "m")


def neuron_facts(net: nn.Sequential) -> dict:
    """Return what the .nir file leaves open but is needed to reproduce the spikes."""
    return {
        "framework": f"spikingjelly {version('spikingjelly')}",
        "dt": DT,
        "integrator": "euler",
        "lif_update": "h = v + dt / tau * (v_leak - v) + r * dt / tau * x",
        "if_update": "h = v + r * dt * x",
        "input_gain": 1.0,
        "compare": "ge",
        "reset": "v = v_reset in the step of the spike, else v = h",
        "v_initial": 0.0,
        "v_min": None,
        "spikes_per_step": 1,
        "delay_steps": 0,
        "record_arithmetic": "float64",
        "spiking_layers": [n for n, module in net.named_children() if isinstance(module, neuron.BaseNode)],
    }


def write_files(net: nn.Sequential, name: str, recipe: Recipe, x: np.ndarray, y: np.ndarray,
                out: Path) -> dict:
    """Write the network, test set and recorded spikes; return the measured figures."""
    spikes = record(net, x, torch.float64)
    single = record(net, x, torch.float32)
    export(net, recipe.input_shape, out / f"{name}.nir")
    np.savez_compressed(out / f"{name}_test.npz", x=x, y=y)
    arrays = {f"layer{i}": s[:RECORDED_SAMPLES] for i, s in enumerate(spikes)}
    np.savez_compressed(out / f"{name}_spikes.npz", **arrays)
    return {
        "accuracy": accuracy(spikes[-1], y),
        "accuracy_float32": accuracy(single[-1], y),
        "float32_spike_differences": int(sum((a != b).sum() for a, b in zip(spikes, single, strict=True))),
        "n_samples": len(y),
        "n_recorded": RECORDED_SAMPLES,
        "steps": STEPS,
        "input_spikes_per_sample": float(x.sum() / len(y)),
        "spikes_per_sample": [float(s.sum() / len(y)) for s in spikes],
        "rate_per_neuron_and_step": [float(s.mean()) for s in spikes],
        "layer_shapes": [list(s.shape[2:]) for s in spikes],
        "parameters": sum(p.numel() for p in net.parameters()),
        "neuron_profile": neuron_facts(net),
    }


def run(name: str, seed: int, out: Path) -> dict:
    """Train, evaluate and export one network."""
    recipe = recipes()[name]
    x_train, x_test, y_train, y_test = split_digits(recipe.input_shape, seed)
    start = time.perf_counter()
    net = train(recipe, x_train, y_train, seed)
    seconds = time.perf_counter() - start
    figures = write_files(net, name, recipe, x_test, y_test, out)
    train_accuracy = accuracy(record(net, x_train, torch.float64)[-1], y_train)
    settings = {k: v for k, v in asdict(recipe).items() if k != "build"}
    return {"seed": seed, "train_samples": len(y_train), "train_accuracy": train_accuracy, **figures,
            "recipe": {**settings, "batch": BATCH, "code_period": CODE_PERIOD},
            "train_seconds": round(seconds, 1), "python": platform.python_version(),
            "versions": {package: version(package) for package in PACKAGES}}


def validate(name: str, seed: int, samples: int) -> float:
    """Accuracy on `samples` training samples left out of training; the test set is not touched."""
    recipe = recipes()[name]
    x_train, _, y_train, _ = split_digits(recipe.input_shape, seed)
    x_fit, x_held, y_fit, y_held = train_test_split(x_train, y_train, test_size=samples, stratify=y_train,
                                                    random_state=seed)
    spikes = record(train(recipe, x_fit, y_fit, seed), x_held, torch.float64)
    print(f"{name}: spikes per sample {[round(float(s.sum()) / samples, 1) for s in spikes]}")
    return accuracy(spikes[-1], y_held)


def update_results(path: Path, figures: dict[str, dict]) -> None:
    """Put the figures of the networks trained now into results.json, keeping those of the others."""
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, **figures}, indent=2, sort_keys=True) + "\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train spiking networks on digits and export them to NIR.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder for the files")
    parser.add_argument("--seed", type=int, default=1, help="seed of the split, the weights and the batches")
    parser.add_argument("--net", choices=[*recipes(), "all"], default="all")
    parser.add_argument("--validate", type=int, default=0, metavar="N",
                        help="only report the accuracy on N held-out training samples; write nothing")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    names = list(recipes()) if args.net == "all" else [args.net]
    if args.validate:
        for name in names:
            print(f"{name}: validation accuracy {validate(name, args.seed, args.validate):.4f}")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    figures = {name: run(name, args.seed, args.out) for name in names}
    update_results(args.out / "results.json", figures)
    for name, entry in figures.items():
        print(f"{name}: test accuracy {entry['accuracy']:.4f}, training {entry['train_accuracy']:.4f}, "
              f"spikes per sample {[round(s, 1) for s in entry['spikes_per_sample']]}, "
              f"{entry['train_seconds']} s")


if __name__ == "__main__":
    main()
