"""Engines and importers are found by name; a clash or a failed import names who is at fault."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from neurosim import plugins
from neurosim.engines import builtin
from neurosim.errors import InputError
from neurosim.network import importers


def test_built_in_ones() -> None:
    assert plugins.load(plugins.ENGINES, "functional") is builtin.functional
    assert plugins.load(plugins.ENGINES, "reference") is builtin.reference
    assert plugins.load(plugins.IMPORTERS, "nir") is importers.nir
    assert plugins.load(plugins.IMPORTERS, "npz") is importers.npz


def others(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    own = plugins._entry_points(plugins.ENGINES)
    monkeypatch.setattr(plugins, "_entry_points", lambda group: [*own, *points])


def test_the_same_package_twice_on_the_path_is_no_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    others(monkeypatch, *plugins._entry_points(plugins.ENGINES))
    assert plugins.load(plugins.ENGINES, "reference") is builtin.reference


def test_clash_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    others(monkeypatch, EntryPoint("reference", "fast.engine:run", plugins.ENGINES))
    with pytest.raises(InputError) as caught:
        plugins.load(plugins.ENGINES, "reference")
    assert caught.value.text() == (
        "neurosim.engines: two packages register the engine 'reference' [plugin-clash]\n"
        "  got: fast.engine:run (neurosim-cycle) and neurosim.engines.builtin:reference (neurosim-cycle)\n"
        "  hint: remove one of them"
    )


def test_failed_import_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    others(monkeypatch, EntryPoint("fast", "no_such_module_here:run", plugins.ENGINES))
    with pytest.raises(InputError) as caught:
        plugins.load(plugins.ENGINES, "fast")
    assert caught.value.text() == (
        "no_such_module_here:run (neurosim-cycle): the engine 'fast' cannot be imported [plugin-broken]\n"
        "  got: ModuleNotFoundError: No module named 'no_such_module_here'\n"
        "  hint: repair or remove the package that registers it in neurosim.engines"
    )


def test_an_added_engine_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    others(monkeypatch, EntryPoint("mine", "neurosim.engines.builtin:functional", plugins.ENGINES))
    assert plugins.load(plugins.ENGINES, "mine") is builtin.functional
    assert list(plugins.available(plugins.ENGINES)) == sorted(plugins.available(plugins.ENGINES))
