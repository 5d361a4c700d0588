"""Mistakes in adapters and designs, and what a user is told: the message with this machine's folders taken out."""

from __future__ import annotations

import re

import pytest

from neurosim.errors import NeurosimError
from tests.rtl.dut_cases import core

CACHE = "cache/neurosim/rtl/dut"


def text_of(error: NeurosimError, folder) -> str:
    """The message with the folder of the test and of the run taken out."""
    text = error.text().replace(str(folder / CACHE), "CACHE").replace(f"{folder}/", "")
    text = text.replace(str(folder), "FOLDER")
    return re.sub(r"CACHE/(\w+)\.\w+/", r"CACHE/\1/", text)


def having(**changes):
    """Changes of the adapter by path, see ``dut_cases.write``; MODEL is the text of its model.py."""
    return changes


def message(tmp_path, make, changes, act) -> tuple[int, str]:
    """Exit code and text of the error."""
    model = changes.get("MODEL")
    path = make(tmp_path, *([] if make is core else ["valid_ready"]), **{k: v for k, v in changes.items() if k != "MODEL"})
    files = {"weights.hex": "00 1g\n", "events.csv": "cycle,low,high\n0,1,2\n1,9,2\n", "w.csv": "1,2\n3,4\n",
             "none.csv": "cycle,low,high\n"}  # fmt: skip
    for name, text in {**files, **({"model.py": model} if model else {})}.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(NeurosimError) as caught:
        act(path)
    return caught.value.exit_code, text_of(caught.value, tmp_path)
