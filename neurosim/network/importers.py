"""The built-in importers as plug-ins, registered by entry points like anybody else's.

An importer plug-in is a callable ``(path, profile, dt_s) -> Network``; it is chosen by the ending of the
file, which is its name.  ``profile`` is "" and ``dt_s`` None where the user gave none.
"""

from __future__ import annotations

from pathlib import Path

from neurosim.errors import InputError
from neurosim.network.model import Network


def nir(path: Path, profile: str, dt_s: float | None) -> Network:
    """A NIR file, which needs a profile."""
    from neurosim.network.nir_reader import import_nir

    return import_nir(path, profile, dt_s)


def npz(path: Path, profile: str, dt_s: float | None) -> Network:
    """Plain weights, see :mod:`neurosim.network.npz_reader`; there is only one meaning, so no profile.

    Raises:
        InputError: a profile was given, or the file is not acceptable.
    """
    from neurosim.network.npz_reader import import_npz

    if profile:
        raise InputError(
            "an .npz network takes no neuron profile", code="npz-profile", where=str(path), got=profile,
            hint="its arrays say everything; leave the profile out",
        )  # fmt: skip
    return import_npz(path) if dt_s is None else import_npz(path, dt_s)
