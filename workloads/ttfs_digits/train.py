#!/usr/bin/env python3
"""Train the digits network for first-spike code, in NumPy: 64-128-10, activations of a few levels.

A hidden neuron computes ``a = round(T clip(w x + b, 0, 1)) / T``, which is what a neuron that fires once in a
window of T steps can say; its gradient is taken as if there were no rounding.  Writes

    ttfs.npz        weight0, bias0, weight1, bias1 (float32) and first_spike_steps: the network
    ttfs_test.npz   x (450, 2 T, 64) uint8, y (450,): the held-out test set in first-spike code
    results.json    the settings and figures of the run

See README.md for the commands and the measured figures.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

WINDOW_STEPS = 8
HIDDEN = 128
TEST_SAMPLES = 450
BATCH = 64
EPOCHS = 60
LEARNING_RATE = 2e-3
DECAY = 1e-4  # of the weights, per update, times the learning rate
ACTIVITY = 1.0  # weight of the mean hidden activation in the loss
Layer = tuple[np.ndarray, np.ndarray]


def rounded(values: np.ndarray) -> np.ndarray:
    """The nearest of the T + 1 levels of 0..1."""
    return np.floor(np.clip(values, 0.0, 1.0) * WINDOW_STEPS + 0.5) / WINDOW_STEPS


def split_digits(seed: int) -> tuple[np.ndarray, ...]:
    """Pixels as the code has them, and labels: x_train, x_test, y_train, y_test; split as in ../digits."""
    digits = load_digits()
    x, y = rounded(digits.data / 16), digits.target.astype(np.int64)
    return tuple(train_test_split(x, y, test_size=TEST_SAMPLES, stratify=y, random_state=seed))


def forward(layers: list[Layer], x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums and activations of the hidden layer, and the outputs."""
    (w0, b0), (w1, b1) = layers
    sums = x @ w0.T + b0
    hidden = rounded(sums)
    return sums, hidden, hidden @ w1.T + b1


def gradients(layers: list[Layer], x: np.ndarray, y: np.ndarray) -> tuple[float, list[Layer]]:
    """Cross entropy plus the penalty on activity, and its gradient."""
    sums, hidden, out = forward(layers, x)
    shifted = 4 * (out - out.max(axis=1, keepdims=True))  # outputs of a few units tell classes apart
    share = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    loss = -float(np.log(share[np.arange(len(y)), y] + 1e-12).mean()) + ACTIVITY * float(hidden.mean())
    share[np.arange(len(y)), y] -= 1
    d_out = 4 * share / len(y)
    d_hidden = d_out @ layers[1][0] + ACTIVITY / hidden.size
    d_sums = d_hidden * ((sums > -0.1) & (sums < 1.1))  # a little beyond the clip, so that none dies
    return loss, [(d_sums.T @ x, d_sums.sum(axis=0)), (d_out.T @ hidden, d_out.sum(axis=0))]


def train(x: np.ndarray, y: np.ndarray, seed: int) -> list[Layer]:
    """Adam with a cosine learning rate."""
    rng = np.random.default_rng(seed)
    sizes = (x.shape[1], HIDDEN, 10)
    layers = [
        (rng.normal(0, np.sqrt(1 / n_in), (n_out, n_in)), np.zeros(n_out))
        for n_in, n_out in itertools.pairwise(sizes)
    ]
    moments = [[(np.zeros_like(p), np.zeros_like(p)) for p in layer] for layer in layers]
    update = 0
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(y))
        for first in range(0, len(y), BATCH):
            update += 1
            batch = order[first : first + BATCH]
            _, found = gradients(layers, x[batch], y[batch])
            for k, (layer, slopes) in enumerate(zip(layers, found, strict=True)):
                for j, (values, slope) in enumerate(zip(layer, slopes, strict=True)):
                    one, two = moments[k][j]
                    one += 0.1 * (slope - one)
                    two += 0.001 * (slope**2 - two)
                    step = one / (1 - 0.9**update) / (np.sqrt(two / (1 - 0.999**update)) + 1e-8)
                    values -= rate * (step + DECAY * values)
    return layers


def accuracy(layers: list[Layer], x: np.ndarray, y: np.ndarray) -> float:
    """Share of samples whose largest output is their label."""
    return float((forward(layers, x)[2].argmax(axis=1) == y).mean())


def validate(seed: int, samples: int) -> None:
    """Accuracy on ``samples`` training samples left out of training; the test set is not touched."""
    x, _, y, _ = split_digits(seed)
    x_fit, x_held, y_fit, y_held = train_test_split(
        x, y, test_size=samples, stratify=y, random_state=seed
    )
    layers = train(x_fit, y_fit, seed)
    spikes = (forward(layers, x_held)[1] > 0).sum(axis=1).mean()
    print(f"validation accuracy {accuracy(layers, x_held, y_held):.4f}, hidden spikes {spikes:.1f} a sample")


def write(layers: list[Layer], x: np.ndarray, y: np.ndarray, out: Path) -> None:
    """Write the network and the test set."""
    from neurosim.network.first_spike import encode

    arrays = {}
    for k, (weight, bias) in enumerate(layers):
        arrays |= {f"weight{k}": weight.astype(np.float32), f"bias{k}": bias.astype(np.float32)}
    np.savez_compressed(out / "ttfs.npz", first_spike_steps=np.array(WINDOW_STEPS), **arrays)
    np.savez_compressed(out / "ttfs_test.npz", x=encode(x, WINDOW_STEPS, 2 * WINDOW_STEPS), y=y)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the digits network for first-spike code.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder for the files")
    parser.add_argument("--seed", type=int, default=1, help="seed of the split, the weights and the batches")
    parser.add_argument("--validate", type=int, default=0, metavar="N",
                        help="only report the accuracy on N held-out training samples; write nothing")
    args = parser.parse_args()
    if args.validate:
        validate(args.seed, args.validate)
        return
    x_train, x_test, y_train, y_test = split_digits(args.seed)
    layers = train(x_train, y_train, args.seed)
    write(layers, x_test, y_test, args.out)
    hidden = forward(layers, x_test)[1]
    figures = {
        "accuracy": accuracy(layers, x_test, y_test), "train_accuracy": accuracy(layers, x_train, y_train),
        "input_spikes_per_sample": float((x_test > 0).sum() / len(x_test)),
        "hidden_spikes_per_sample": float((hidden > 0).sum() / len(x_test)),
        "seed": args.seed, "window_steps": WINDOW_STEPS, "epochs": EPOCHS, "learning_rate": LEARNING_RATE,
        "batch": BATCH, "activity": ACTIVITY, "decay": DECAY, "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "scikit-learn")},
    }
    (args.out / "results.json").write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
    print(f"test accuracy {figures['accuracy']:.4f}, training {figures['train_accuracy']:.4f}")
    print(f"input spikes {figures['input_spikes_per_sample']:.1f}")
    print(f"hidden spikes {figures['hidden_spikes_per_sample']:.1f}")


if __name__ == "__main__":
    main()
