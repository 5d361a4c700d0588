"""Accuracy: what the outputs say, against the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Result

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Accuracy:
    """``predicted`` (S,) is the strongest output (the first of equals); ``correct`` of ``labelled``."""

    predicted: IntArray
    correct: int
    labelled: int

    @property
    def rate(self) -> float | None:
        """Correct over labelled samples; None if no sample has a label."""
        return self.correct / self.labelled if self.labelled else None


def accuracy(result: Result) -> Accuracy | None:
    """The accuracy of a run over its samples with a label (>= 0); None if there are no outputs."""
    if not result.output_counts.size:
        return None
    predicted = result.output_counts.argmax(axis=1).astype(np.int64)
    labelled = result.labels >= 0
    correct = int((predicted == result.labels)[labelled].sum())
    return Accuracy(predicted, correct, int(labelled.sum()))
