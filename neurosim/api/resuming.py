"""``resume``: a run that was stopped or killed goes on from its checkpoint, to the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurosim.api.running import RunMade
    from neurosim.engines.base import Progress


def resume_run(
    checkpoint: str | Path,
    *,
    out: str | Path | None = None,
    checkpoint_every: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> RunMade:
    """Go on with the run kept in folder ``checkpoint``, and write what it would have written.

    The folder made is the same, to the byte, as that of a run that was never stopped; then the checkpoint is
    removed.  Only the version of the program that kept it can go on.

    Args:
        out: the folder to write; None: the one that the checkpoint lies beside.
        checkpoint_every: as for :func:`neurosim.run_mapping`; None: the number that the run was begun with.
        force: replace ``out`` if this program made it.
        progress: as for :func:`neurosim.run_mapping`.

    Raises:
        InputError: the checkpoint is not one, damaged, changed, of another version of the program or in use,
            or ``out`` exists or cannot be written.
        StoppedError: the run was stopped again, and is kept.
    """
    from neurosim.api.bounds import check_every, check_output
    from neurosim.api.checkpoints import output_of, taken_up
    from neurosim.api.folders import check_free, kind_manifest
    from neurosim.api.mapped import load_mapping
    from neurosim.api.mapping import load_workload
    from neurosim.api.running import Choices, carry_out

    folder = Path(checkpoint)
    every = check_every(checkpoint_every)
    kind_manifest(folder, "checkpoint")
    target = output_of(folder) if out is None else Path(out)
    check_output(target, {"checkpoint": folder})
    check_free(target, force)
    with taken_up(folder, target, every) as keeper:
        mapped = load_mapping(folder / "mapping")
        workload = load_workload(folder / "input.npz", mapped.floating, None)
        return carry_out(
            mapped, workload, Choices(**keeper.manifest["choices"]), target, force, progress, keeper
        )
