"""Laws of forms, keys, chords and plans: what is printed reads back, and text never ends in a traceback."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.errors import ParseError
from phraseloom.form import MAX_BARS, Section, bar_positions, format_form, num_bars_of, parse_form, propose_form
from phraseloom.harmony import Chord, Key, Mode, estimate_key, parse_chord, parse_key
from phraseloom.plan import SongPlan

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MODES: tuple[Mode, ...] = ("major", "minor")
KEYS = [Key(tonic, mode) for tonic, mode in product(range(12), MODES)]

pitch_classes = st.integers(0, 11)
keys = st.sampled_from(KEYS)
intervals = st.frozensets(st.integers(1, 11)).map(lambda upper: upper | {0})
chords = st.builds(Chord, pitch_classes, intervals, pitch_classes)
sections = st.builds(Section, st.sampled_from(LETTERS), st.integers(1, MAX_BARS))
forms = st.lists(sections, min_size=1, max_size=20).map(tuple)
seeds = st.integers(0, 2**32 - 1)
chord_like_texts = st.text("ABCDEFGabdgijmnosu#b♭♯^Δ°ø+-0123456789()/,:.* \x01NM", max_size=16)
SEPARATORS = ["", " ", "-", ",", ", "]


@given(forms, st.sampled_from(SEPARATORS))
def test_form_reads_back(form: tuple[Section, ...], separator: str) -> None:
    assert parse_form(format_form(form)) == form
    assert parse_form(format_form(form).replace(" ", separator)) == form


@given(forms)
def test_bar_positions_agree_with_the_form(form: tuple[Section, ...]) -> None:
    positions = bar_positions(form)
    assert len(positions) == num_bars_of(form)
    starts = np.flatnonzero(positions.offset == 0)
    assert [form[index].num_bars for index in positions.section_index[starts]] == [section.num_bars for section in form]
    assert (positions.offset < positions.section_num_bars).all()
    letters = [form[index].letter for index in positions.section_index]
    for letter, column in zip(letters, positions.letter_index, strict=True):
        assert list(dict.fromkeys(letters))[column] == letter


@given(st.integers(1, MAX_BARS), seeds)
def test_proposed_form_is_as_long_as_asked(num_bars: int, seed: int) -> None:
    form = propose_form(num_bars, np.random.default_rng(seed))
    assert num_bars_of(form) == num_bars
    assert form == propose_form(num_bars, np.random.default_rng(seed))


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_key_reads_back(key: Key) -> None:
    assert parse_key(str(key)) == key
    assert abs(key.signature) <= 6
    assert (7 * key.signature + (0 if key.mode == "major" else 9)) % 12 == key.tonic


def test_every_set_of_intervals_reads_back() -> None:
    for size in range(12):
        for upper in combinations(range(1, 12), size):
            chord = Chord(0, frozenset({0, *upper}), 0)
            assert parse_chord(str(chord)) == chord


@given(chords, keys)
def test_chord_reads_back_however_it_is_spelled(chord: Chord, key: Key) -> None:
    assert parse_chord(str(chord)) == chord
    assert parse_chord(chord.symbol(key)) == chord


@given(chords, st.integers(-40, 40))
def test_transposing_moves_every_note(chord: Chord, semitones: int) -> None:
    moved = chord.transposed(semitones)
    assert moved.pitch_classes == {(pitch_class + semitones) % 12 for pitch_class in chord.pitch_classes}
    assert moved.transposed(-semitones) == chord


def refused(parse: Callable[[str], object], text: str) -> bool:
    """Whether the text is refused, with an error that points into it; any other error goes through."""
    try:
        parse(text)
    except ParseError as error:
        return 0 <= error.start <= error.end <= len(text) and str(error) != ""
    return False


@given(st.one_of(chord_like_texts, st.text(max_size=12)))
def test_any_text_is_a_chord_or_refused(text: str) -> None:
    assert refused(parse_chord, text) or parse_chord(str(parse_chord(text))) == parse_chord(text)


@given(st.one_of(st.text("ABCGabgm #♭-:majorin", max_size=10), st.text(max_size=10)))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    assert refused(parse_key, text) or parse_key(str(parse_key(text))) == parse_key(text)


@given(st.one_of(st.text("ABio0123456789 ,-?", max_size=12), st.text(max_size=12)))
def test_any_text_is_a_form_or_refused(text: str) -> None:
    assert refused(parse_form, text) or parse_form(format_form(parse_form(text))) == parse_form(text)


@given(seeds, pitch_classes)
def test_estimated_key_moves_with_the_notes(seed: int, semitones: int) -> None:
    weights = np.random.default_rng(seed).random(12)
    key = estimate_key(weights)
    assert estimate_key(3 * np.roll(weights, semitones)) == Key((key.tonic + semitones) % 12, key.mode)


@given(
    st.one_of(st.none(), st.integers(1, MAX_BARS)),
    st.one_of(st.none(), keys),
    st.one_of(st.none(), st.floats(10, 600)),
    seeds,
)
def test_completed_plan_keeps_what_is_given_and_reads_back(
    num_bars: int | None, key: Key | None, tempo_bpm: float | None, seed: int
) -> None:
    plan = SongPlan(num_bars=num_bars, key=key, tempo_bpm=tempo_bpm)
    completed = plan.completed(np.random.default_rng(seed))
    assert completed.to_dict().items() >= plan.to_dict().items()
    assert completed.to_dict().keys() == {"num_bars", "form", "key", "tempo_bpm", "repeat"}
    assert SongPlan(**completed.to_dict()) == completed  # ty: ignore[invalid-argument-type]
