"""The VCD export, parsed back and compared with the flit events."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from neurosim.errors import InputError
from neurosim.report.trace_export import Selection
from neurosim.report.vcd import signal_name, timescale, write_vcd
from neurosim.rtl.flits import flit_layout
from tests.helpers.trace_sink import Traced, traced

reader = pytest.importorskip("vcd.reader")
Changes = dict[str, list[tuple[int, int]]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    return traced(tmp_path_factory.mktemp("trace"))


def text_of(selection: Selection) -> str:
    file = io.StringIO()
    assert write_vcd(selection, file) > 0
    return file.getvalue()


def parse(text: str) -> tuple[Changes, dict[str, int], str]:
    """(time, value) changes by full name, widths, and the timescale, by the reader of pyvcd."""
    kind = reader.TokenKind
    names: dict[str, str] = {}
    widths: dict[str, int] = {}
    scopes: list[str] = []
    changes: Changes = {}
    now, scale = 0, ""
    for token in reader.tokenize(io.BytesIO(text.encode())):
        if token.kind is kind.SCOPE:
            scopes.append(token.data.ident)
        elif token.kind is kind.UPSCOPE:
            scopes.pop()
        elif token.kind is kind.TIMESCALE:
            scale = str(token.data)
        elif token.kind is kind.VAR:
            name = ".".join([*scopes, token.data.reference])
            names[token.data.id_code], widths[name] = name, token.data.size
            changes[name] = []
        elif token.kind is kind.CHANGE_TIME:
            now = token.data
        elif token.kind is kind.CHANGE_SCALAR:
            changes[names[token.data.id_code]].append((now, int(token.data.value)))
        elif token.kind is kind.CHANGE_VECTOR:
            changes[names[token.data.id_code]].append((now, token.data.value))
    return changes, widths, scale


def at(changes: list[tuple[int, int]], time: int) -> int:
    """The value of a signal at ``time``."""
    value = 0
    for when, new in changes:
        if when > time:
            break
        value = new
    return value


def test_names_follow_the_verilog() -> None:
    """As ``rtl_models/README.md`` says: router <tile> is tile[<tile>].router below neuro_mesh."""
    assert signal_name(5, "out_valid") == ("neuro_mesh.tile[5].router", "out_valid")
    page = (Path(__file__).parents[2] / "rtl_models" / "README.md").read_text(encoding="utf-8")
    assert "`tile[<tile>].router` below `neuro_mesh`" in page
    assert "`out_valid`, `out_flit`, `out_vc`" in page


def test_every_flit_stands_on_its_output_a_cycle_later(run: Traced) -> None:
    changes, widths, scale = parse(text_of(run.select()))
    assert scale == "1 ns"
    layout = flit_layout(run.fabric.chip)
    assert {name.rsplit(".")[-1]: width for name, width in widths.items() if "tile[0]" in name} == {
        "out_valid": 5, "out_flit": 5 * layout.bits, "out_vc": 5,
    }  # fmt: skip
    begin = run.select().lengths[0]
    flits: dict[tuple[int, int, int], dict[str, object]] = {}
    for row in run.table("flits"):
        time = int(row["cycle"]) + int(begin) * int(row["sample"]) + 1  # type: ignore[call-overload]
        flits[time, int(row["router"]), int(row["port"])] = row  # type: ignore[call-overload]
    for router in range(run.fabric.n_routers):
        valid = changes[f"neuro_mesh.tile[{router}].router.out_valid"]
        words = changes[f"neuro_mesh.tile[{router}].router.out_flit"]
        times = [time for time, _ in valid]
        assert times == sorted(set(times))
        seen = set()
        for index, (first, mask) in enumerate(valid):
            last = times[index + 1] if index + 1 < len(times) else first + (1 if mask else 0)
            if mask == 0:
                continue
            for time in range(first, last):
                seen |= {(time, router, port) for port in range(5) if mask >> port & 1}
        assert seen == {key for key in flits if key[1] == router}
        for key in sorted(seen)[:40]:
            word = at(words, key[0]) >> key[2] * layout.bits & (1 << layout.bits) - 1
            row = flits[key]
            fields = layout.unpack(word)
            x, y = run.fabric.xy(run.fabric.tile_of(int(row["target"])))  # type: ignore[call-overload]
            assert (fields["x"], fields["y"], fields["axon"]) == (x, y, row["axon"])
            assert (fields["step"], fields["head"], fields["tail"]) == (row["step"], 1, 1)
            assert fields["exit"] == run.fabric.port_of(int(row["target"]))  # type: ignore[call-overload]


def test_steps_and_window(run: Traced) -> None:
    changes, _, _ = parse(text_of(run.select(samples=(1, 2), cores=frozenset({2}))))
    assert sorted(changes) == ["neuro_mesh.step"] + [
        f"neuro_mesh.tile[2].router.{name}" for name in ("out_flit", "out_valid", "out_vc")
    ]
    starts = [int(row["start_cycle"]) for row in run.table("steps") if (row["sample"], row["kind"]) == (1, "step")]  # type: ignore[call-overload]
    assert [time for time, value in changes["neuro_mesh.step"] if value] == starts[1:]
    assert [value for _, value in changes["neuro_mesh.step"]] == list(range(len(starts)))


def test_two_flits_and_two_vcs(tmp_path: Path) -> None:
    """``darwin3``-like packets: the tail follows the head, and the VC's number stands beside it."""
    run = traced(tmp_path, "tiny_2x2_gateway_vc", n_samples=1)
    changes, widths, _ = parse(text_of(run.select()))
    bits = widths["neuro_mesh.tile[0].router.out_vc"] // run.fabric.n_ports
    second = [row for row in run.table("flits") if row["vc"] == 1][:20]
    assert second
    for row in second:
        signal = changes[f"neuro_mesh.tile[{row['router']}].router.out_vc"]
        time = int(row["cycle"]) + 1  # type: ignore[call-overload]
        assert at(signal, time) >> int(row["port"]) * bits & (1 << bits) - 1 == 1  # type: ignore[call-overload]


def test_timescales() -> None:
    assert timescale(1000) == ("1 ns", 1)
    assert timescale(2500) == ("100 ps", 25)
    assert timescale(10_000) == ("10 ns", 1)
    assert timescale(1234) == ("1 ps", 1234)
    assert timescale(10**6) == ("1 us", 1)


def test_without_the_package(run: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "vcd", None)
    with pytest.raises(InputError) as caught:
        write_vcd(run.select(), io.StringIO())
    assert caught.value.text() == (
        "the VCD export needs the package 'pyvcd', which is not installed [export-no-pyvcd]\n"
        "  hint: pip install 'neurosim-cycle[trace]'"
    )
