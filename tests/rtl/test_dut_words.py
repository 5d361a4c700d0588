"""Words, signals and expressions of adapters, without a simulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtl_models.dut.adapter import WordField
from rtl_models.dut.expressions import ExpressionError, evaluate, rows
from rtl_models.dut.layout import WordLayout
from rtl_models.dut.pins import Pin, parse_pin

KINDS = st.sampled_from(["plain", "ignore", "parity_even", "parity_odd", "fixed"])


@st.composite
def layouts(draw):
    fields = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(KINDS)
        bits = 1 if kind.startswith("parity") else draw(st.integers(1, 20))
        means = {"plain": "payload", "fixed": "payload"}.get(kind, kind)
        value = str(draw(st.integers(0, (1 << bits) - 1))) if kind == "fixed" else None
        fields.append(WordField(name=f"f{number}", bits=bits, means=means, value=value))
    return WordLayout(tuple(fields))


@given(layouts(), st.data())
def test_a_word_is_unpacked_to_what_it_was_packed_from(layout, data):
    values = {f.name: data.draw(st.integers(-(1 << f.bits - 1), (1 << f.bits) - 1)) for f in layout.given}
    word = layout.pack(values)
    assert 0 <= word < 1 << layout.bits
    got = layout.unpack(word)
    for field in layout.given:
        assert got[field.name] == values[field.name] % (1 << field.bits)
    for field in layout.fields:
        if field.value is not None:
            assert got[field.name] == int(field.value)


@given(layouts(), st.data())
def test_parity_covers_the_whole_word(layout, data):
    parities = [f for f in layout.fields if f.means in ("parity_even", "parity_odd")]
    values = {f.name: data.draw(st.integers(0, (1 << f.bits) - 1)) for f in layout.given}
    word = layout.pack(values)
    if len(parities) == 1:
        assert word.bit_count() % 2 == (parities[0].means == "parity_odd")


def test_a_value_that_does_not_fit_is_refused():
    layout = WordLayout((WordField(name="a", bits=3),))
    assert layout.pack({"a": -4}) == 4
    for value in (8, -5):
        with pytest.raises(ValueError, match=f"{value} does not fit into the 3 bits of field 'a'"):
            layout.pack({"a": value})


def test_what_is_compared_and_told_leaves_out_what_is_ignored():
    layout = WordLayout((WordField(name="a", bits=3), WordField(name="ignore", bits=2), WordField(name="b", bits=1)))
    assert layout.compared == 0b100111
    assert layout.text(0b101010) == "a 2, b 1"
    assert layout.text(None) == "undefined bits (x or z)"


@pytest.mark.parametrize(
    ("text", "pin"),
    [
        ("ready", Pin("ready")),
        ("~full", Pin("full", inverted=True)),
        ("core.done", Pin("core.done")),
        ("flits[63:32]", Pin("flits", 32, 32)),
        ("~valid[2]", Pin("valid", 2, 1, True)),
    ],
)
def test_names_of_signals(text, pin):
    assert parse_pin(text) == pin


@pytest.mark.parametrize("text", ["", "a b", "1a", "a[3:5]", "a[x]", "~~a"])
def test_what_is_no_signal(text):
    with pytest.raises(ValueError, match=r"signal|higher bit"):
        parse_pin(text)


NAMES = {"n": 5, "weight": np.array([[1, -2, 3], [4, 5, 6]])}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 * n + 1", 11), ("n // 2 - -1", 3), ("1 << n | 3", 35), ("~n & 0xF", 10), ("2 ** 10 % 7", 2),
        ("weight[1, 2]", 6), ("pack(weight[0], 4)", 0x3E1), ("pack(weight[1, 0:2], 8)", 0x504),
        ("n if weight[0, 1] < 0 else 9", 5), ("max(n, 7) - min(1, n) + abs(weight[0, 1])", 8), ("1 < n <= 5 and not 0", 1),
    ],
)  # fmt: skip
def test_expressions(text, value):
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n +", "not an expression"),
        ("m", "unknown name 'm'; known are n, weight"),
        ("n.real", "'n.real' has no meaning here"),
        ("__import__('os')", "'__import__' is no function here"),
        ("[1, 2]", "has no meaning here"),
        ("weight[0]", "not a whole number but a table"),
        ("weight[-1, 0]", "index -1 is negative"),
        ("weight[2, 0]", "out of bounds"),
        ("n[0]", "'n' is a number, not a table"),
        ("2 ** 2 ** 40", "is too large"),
        ("1 << 99999", "is too large"),
        ("1 // 0", "by zero"),
        ("1 / 2", "has no meaning here"),
        ("'a'", "has no meaning here"),
    ],
)
def test_what_is_no_expression(text, said):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, NAMES)
    assert said in str(caught.value)


@given(st.lists(st.integers(-8, 7), min_size=1, max_size=20))
def test_pack_puts_the_first_value_lowest(values):
    word = evaluate("pack(v, 4)", {"v": np.array(values)})
    got = [word >> 4 * k & 15 for k in range(len(values))]
    assert [g - 16 if g > 7 else g for g in got] == values


def test_loops_are_nested_the_first_is_the_slowest():
    assert [(r["a"], r["b"]) for r in rows({"a": "2", "b": "a + 1"}, {})] == [(0, 0), (1, 0), (1, 1)]
