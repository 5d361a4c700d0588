"""Accuracy: what the outputs say, against the labels.

A sample whose last step never ended (a deadlock, a limit) has no answer, whatever its outputs hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Result

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Accuracy:
    """``correct`` of the ``labelled`` samples that finished; ``unfinished`` samples are in neither.

    ``predicted`` (S,) is the strongest output (the first of equals), -1 for an unfinished sample.
    """

    predicted: IntArray
    correct: int
    labelled: int
    unfinished: int

    @property
    def rate(self) -> float | None:
        """Correct over labelled samples; None if no finished sample has a label."""
        return self.correct / self.labelled if self.labelled else None


def finished(result: Result) -> NDArray[np.bool_]:
    """(S,) whether a sample's last step ended; always so if the engine counts no cycles."""
    if not result.latency_cycles.size:
        return np.ones(result.n_samples, np.bool_)
    return result.latency_cycles >= 0


def accuracy(result: Result) -> Accuracy | None:
    """The accuracy over the finished samples with a label (>= 0); None if there are no outputs."""
    if not result.output_counts.size:
        return None
    done = finished(result)
    predicted = np.where(done, result.output_counts.argmax(axis=1), -1).astype(np.int64)
    labelled = done & (result.labels >= 0)
    correct = int((predicted == result.labels)[labelled].sum())
    return Accuracy(predicted, correct, int(labelled.sum()), int((~done).sum()))
