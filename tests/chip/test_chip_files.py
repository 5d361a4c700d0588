"""Files that are no chip, several mistakes at once, and files that are there in another way than was meant."""

import pytest

from neurosim.chip.loader import load_chip, load_chip_text
from neurosim.errors import InputError
from tests.helpers.chip_text import GOOD, message

WHOLE_TEXT = {
    "empty": ("", "chip.yaml: the chip description is empty [chip-empty]"),
    "only a comment": ("# nothing\n", "chip.yaml: the chip description is empty [chip-empty]"),
    "a list": (
        "- 1\n",
        "chip.yaml:1:1: a chip description is a mapping of sections [chip-not-a-mapping]\n"
        "  expected: keys such as 'name:' and 'mesh:'\n  got: a list of 1",
    ),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        "chip.yaml:2:1: not valid YAML: but found another document [chip-yaml]\n"
        "  hint: check indentation (spaces, not tabs), quotes and brackets near here",
    ),
    "a NUL byte": (
        "name: \0",
        "chip.yaml: not valid YAML: unacceptable character #x0000 [chip-yaml]\n"
        "  hint: check indentation (spaces, not tabs), quotes and brackets near here",
    ),
    "many brackets": (
        "[" * 1100,
        "chip.yaml: not valid YAML: nested too deeply, or not YAML at all [chip-yaml]\n"
        "  hint: check indentation (spaces, not tabs), quotes and brackets near here",
    ),
    "half a surrogate pair": (
        'name: "a\\ud800"',
        "chip.yaml:1:7: text with half of a surrogate pair [chip-bad-text]\n  got: 'a\\ud800'",
    ),
    "a list as a key": ("? [x]\n: 1\n", "chip.yaml:1:3: a key must be text [chip-wrong-type]"),
}


@pytest.mark.parametrize("case", sorted(WHOLE_TEXT))
def test_text_that_is_no_chip(case):
    text, expected = WHOLE_TEXT[case]
    assert message(text) == expected


def test_aliases_that_explode_are_refused_quickly():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert message("\n".join(lines)) == "chip.yaml:1:37: nested too deeply or too large [chip-too-deep]"


def test_several_mistakes_are_shown_in_file_order():
    text = GOOD.replace("period_ps: 1000", "period_ps: 0").replace("axons: 256", "axons: -1")
    text = text.replace("buffer_flits: 4", "bufer_flits: 4")
    assert message(text) == (
        "chip.yaml:5:20: 'cycle.period_ps' is out of range [chip-out-of-range]\n"
        "  expected: a whole number, at least 1\n  got: 0\n"
        "chip.yaml:10:3: unknown key 'bufer_flits' in 'router' [chip-unknown-key]\n"
        "  hint: did you mean 'buffer_flits'?\n"
        "chip.yaml:17:10: 'core.axons' is out of range [chip-out-of-range]\n"
        "  expected: a whole number, at least 1\n  got: -1"
    )


def test_no_more_than_five_mistakes_are_shown():
    text = GOOD
    for key in ("axons", "neurons", "target_entries", "synapse_words", "word_bits", "rx_flits", "tx_flits"):
        text = text.replace(f"  {key}: ", f"  {key}: -")
    got = message(text)
    assert got.count("[chip-out-of-range]") == 5
    assert got.endswith("\nand 2 more mistakes")
    assert message(text.replace("tx_flits: -8", "tx_flits: 8")).endswith("\nand 1 more mistake")


def test_the_error_itself_has_the_first_mistakes_parts():
    with pytest.raises(InputError) as caught:
        load_chip_text(GOOD.replace("buffer_flits: 4", "buffer_flits: 0"), "chip.yaml")
    error = caught.value
    assert (error.code, error.where, error.got) == ("chip-out-of-range", "chip.yaml:10:17", "0")


PRESETS = (
    "darwin3, darwinwafer, loihi_2018, tiny, tiny_2x2, tiny_2x2_gateway, tiny_2x2_gateway_vc, tiny_multicast"
)


def load_message(name) -> str:
    with pytest.raises(InputError) as caught:
        load_chip(name)
    return str(caught.value)


def test_unknown_preset():
    assert load_message("tinny") == (
        "unknown chip 'tinny' [chip-unknown-preset]\n"
        f"  expected: one of {PRESETS}, or the path of a .yaml file\n"
        "  hint: did you mean 'tiny'?"
    )


def test_missing_file(tmp_path):
    path = tmp_path / "tinny.yaml"
    assert load_message(path) == (
        f"{path}: no such file [file-missing]\n  hint: did you mean 'tiny'? (a preset needs no .yaml)"
    )
    path = tmp_path / "zzz.yaml"
    assert load_message(str(path)) == f"{path}: no such file [file-missing]\n  hint: presets: {PRESETS}"


def test_a_folder(tmp_path):
    assert load_message(tmp_path) == (
        f"{tmp_path}: a folder, not a chip file [file-is-a-folder]\n  expected: the path of a .yaml file"
    )


def test_not_utf8(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("# first line\nname: caf\xe9\n".encode("latin-1"))
    assert load_message(path) == (
        f"{path}:2: not UTF-8 text [file-not-utf8]\n  got: byte 0xe9\n  hint: save the file as UTF-8"
    )


def test_a_file_is_named_in_its_mistakes(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("neurons: 64", "neurons: 0"), encoding="utf-8")
    assert load_message(path).startswith(f"{path}:16:12: 'core.neurons' is out of range")


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_chip(path) == load_chip_text(GOOD, "chip.yaml")
