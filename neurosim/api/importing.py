"""``import``: a trained network file under a neuron profile becomes a Network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neurosim import plugins

if TYPE_CHECKING:
    from neurosim.network.model import Network

DEFAULT_IMPORTER = "nir"


def import_network(
    model: str | Path,
    profile: str = "",
    dt_s: float | None = None,
    out: str | Path | None = None,
    *,
    format: str | None = None,
    first_spike_steps: int | None = None,
    force: bool = False,
) -> Network:
    """Read ``model`` as ``profile`` means it; save it at ``out`` if given.

    The importer is the plug-in called ``format``; without it, the one named like the file's ending
    (``.nir``: ``nir``), ``nir`` if none is.

    Args:
        profile: a name of :func:`neurosim.network.profiles.profile_names`; there is no default.
        dt_s: the time step in seconds; None takes the profile's.
        first_spike_steps: read integrate-and-fire neurons as rates that are to be sent by the time of a
            single spike, in windows of so many steps: :func:`neurosim.network.first_spike.to_first_spike`.
        force: replace ``out`` if it is an artefact of this program.

    Raises:
        InputError: the format, the file, the profile, dt or the window is not usable, the network has no
            first-spike form, or ``out`` exists, is the model, or cannot be written.
    """
    from neurosim.api.bounds import check_output
    from neurosim.api.folders import check_file_free, save_file

    if out is not None:
        check_output(Path(out), {"model": model})
        check_file_free(Path(out), force)
    ending = Path(model).suffix.removeprefix(".").lower()
    name = format
    if name is None:
        name = ending if ending in plugins.available(plugins.IMPORTERS) else DEFAULT_IMPORTER
    network: Network = plugins.load(plugins.IMPORTERS, name)(Path(model), profile, dt_s)
    if first_spike_steps is not None:
        from neurosim.network.first_spike import to_first_spike

        network = to_first_spike(network, first_spike_steps)
    if out is not None:
        save_file(network, Path(out), force)
    return network
