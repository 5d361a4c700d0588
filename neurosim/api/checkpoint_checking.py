"""What ``check`` asks of a checkpoint's folder besides its mapping: that the run in it can go on.

Reads ``OUT.checkpoint``; writes nothing.  A run may be at work on it: what is there is whole at any moment.
"""

from __future__ import annotations

from pathlib import Path

from neurosim.api import checkpoints
from neurosim.api.folders import MARKER, held_files, manifest_of, seal_of


def check_checkpoint_files(folder: Path) -> list[str]:
    """Listed files that are missing or have changed, and files that do not belong there."""
    from neurosim.api.integrity import check_listed

    manifest = manifest_of(folder)
    if manifest is None:
        return [f"no readable {MARKER}"]
    problems = [problem for name in sorted(manifest["files"]) for problem in check_listed(folder, name)]
    foreign = [name for name in held_files(folder) if not checkpoints.is_ours(name, manifest)]
    return problems + [f"{name} is not one of the files of a checkpoint" for name in foreign]


def check_seal(folder: Path) -> list[str]:
    """Whether the manifest is as written."""
    manifest = manifest_of(folder)
    is_same = manifest is not None and manifest.get("seal") == seal_of(manifest)
    return [] if is_same else ["it has changed since it was written"]


def check_input(folder: Path) -> list[str]:
    """Whether the input fits the network.

    Raises:
        InputError: it does not, or one of them is broken.
    """
    from neurosim.api.mapped import load_mapping
    from neurosim.api.mapping import load_workload

    load_workload(folder / "input.npz", load_mapping(folder / "mapping").floating, None)
    return []


def check_state(folder: Path) -> list[str]:
    """Whether the state is whole and of this run; there may be none yet.

    Raises:
        InputError: it is not.
    """
    checkpoints.load_state(folder)
    return []


def check_events(folder: Path) -> list[str]:
    """Whether the recorded events that the state goes on from are all there.

    Raises:
        InputError: they are not, or the state is broken.
    """
    from neurosim.report.trace_files import check_parts

    state = checkpoints.load_state(folder)
    if state is not None:
        check_parts(folder / checkpoints.EVENTS, state.sink)
    return []


def checkpoint_warnings(folder: Path) -> list[str]:
    """What is no fault of a checkpoint, but good to know; [] for other folders."""
    manifest = manifest_of(folder)
    if manifest is None or manifest.get("kind") != "checkpoint":
        return []
    found = []
    if not (folder / checkpoints.STATE).exists():
        found.append("nothing was kept yet: `neurosim resume` begins the run anew")
    other = checkpoints.other_version(manifest)
    if other is not None:
        found.append(f"this program cannot resume it: another version made it ({other})")
    return found
