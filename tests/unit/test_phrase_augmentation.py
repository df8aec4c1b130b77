"""Phrases moved, spliced, layered and thinned: what they become, and what they must never become."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.events import DRUMS_HEADER, MAX_NOTES, SILENT_HEADER, PhraseTable
from phraseloom.score import Notes
from phraseloom.training.phrase_augmentation import (
    HIGHEST_BORDER,
    LOWEST_BORDER,
    PhraseAugmentation,
    layered,
    spliced,
    transposed,
    without_notes,
)

PIANO, STRINGS = 0, 48
MIDDLE = 24
TUNE = Notes.from_rows([(0, 12, 60, 80), (12, 12, 62, 81), (24, 12, 64, 82), (36, 12, 65, 83)])
CHORDS = Notes.from_rows([(0, 24, 48, 50), (0, 24, 55, 51), (24, 24, 50, 52), (24, 24, 57, 53)])

# Three pitches, so that halves often collide, and few headers, so that partners often fit.
rows = st.tuples(st.integers(0, 47), st.integers(1, 30), st.integers(60, 62), st.sampled_from([1, 80, 127]))
phrases = st.tuples(st.lists(rows, max_size=6).map(Notes.from_rows), st.sampled_from([PIANO, STRINGS, DRUMS_HEADER]))


def table_of(content: list[tuple[Notes, int]]) -> PhraseTable:
    headers = [header if len(notes) else SILENT_HEADER for notes, header in content]
    return PhraseTable.build([notes for notes, _ in content], headers)


tables = st.lists(phrases, min_size=1, max_size=6).map(table_of)


def phrases_of(table: PhraseTable) -> list[Notes]:
    """Refused by `Notes` where a note sounds into a later one of its pitch, or stands out of order."""
    return [table.phrase(i) for i in range(len(table))]


def same(first: PhraseTable, second: PhraseTable) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ("headers", "offsets", "steps"))


def splice(own: Notes, partner: Notes, cut: int = MIDDLE, headers: tuple[int, int] = (PIANO, PIANO)) -> Notes:
    """What the first of two phrases becomes when only that one is spliced."""
    table = PhraseTable.build([own, partner], headers)
    result = spliced(table, np.array([1, -1]), np.array([cut, cut]), MAX_NOTES)
    assert result.phrase(1) == partner
    return result.phrase(0)


def joined(own: Notes, partner: Notes, cut: int) -> Notes | None:
    """Both halves, note by note; None where a note of the first would be cut short by one of the second."""
    notes = [row for row in own.table.tolist() if row[0] < cut] + [
        row for row in partner.table.tolist() if row[0] >= cut
    ]
    result = Notes.from_rows(notes)
    return result if result.table.tolist() == notes else None


def test_two_phrases_end_like_each_other():
    result = spliced(table_of([(TUNE, PIANO), (CHORDS, PIANO)]), np.array([1, 0]), np.array([MIDDLE, 12]), MAX_NOTES)
    assert result.headers.tolist() == [PIANO, PIANO]
    assert phrases_of(result) == [
        Notes.from_rows([(0, 12, 60, 80), (12, 12, 62, 81), (24, 24, 50, 52), (24, 24, 57, 53)]),
        Notes.from_rows([(0, 24, 48, 50), (0, 24, 55, 51), (12, 12, 62, 81), (24, 12, 64, 82), (36, 12, 65, 83)]),
    ]


def test_each_phrase_has_a_partner_and_a_cut_of_its_own():
    table = table_of([(TUNE, PIANO), (CHORDS, PIANO), (TUNE.transposed(12), PIANO)])
    result = spliced(table, np.array([2, -1, 1]), np.array([12, 24, 36]), MAX_NOTES)
    assert phrases_of(result) == [
        Notes.from_rows([(0, 12, 60, 80), (12, 12, 74, 81), (24, 12, 76, 82), (36, 12, 77, 83)]),
        CHORDS,
        Notes.from_rows([(0, 12, 72, 80), (12, 12, 74, 81), (24, 12, 76, 82)]),
    ]


def test_a_note_may_sound_over_the_cut():
    own = Notes.from_rows([(18, 30, 60, 80), (30, 6, 67, 80)])
    assert splice(own, CHORDS) == Notes.from_rows([(18, 30, 60, 80), (24, 24, 50, 52), (24, 24, 57, 53)])


def test_a_note_may_end_where_its_pitch_is_struck_again():
    own, partner = Notes.from_rows([(12, 18, 60, 80)]), Notes.from_rows([(30, 6, 60, 90)])
    assert splice(own, partner) == Notes.from_rows([(12, 18, 60, 80), (30, 6, 60, 90)])


def test_a_note_that_would_sound_into_a_later_one_of_its_pitch_forbids_the_splice():
    own, partner = Notes.from_rows([(12, 19, 60, 80)]), Notes.from_rows([(24, 6, 62, 90), (30, 6, 60, 90)])
    assert splice(own, partner) == own


def test_notes_behind_the_cut_collide_with_nothing():
    own, partner = Notes.from_rows([(0, 12, 62, 80), (24, 24, 60, 80)]), Notes.from_rows([(24, 24, 60, 90)])
    assert splice(own, partner) == Notes.from_rows([(0, 12, 62, 80), (24, 24, 60, 90)])


@pytest.mark.parametrize("headers", [(PIANO, STRINGS), (PIANO, DRUMS_HEADER), (DRUMS_HEADER, PIANO)])
def test_phrases_of_different_instruments_stay(headers):
    assert splice(TUNE, CHORDS, headers=headers) == TUNE


@pytest.mark.parametrize("header", [PIANO, STRINGS, DRUMS_HEADER])
def test_phrases_of_one_instrument_or_of_drums_are_spliced(header):
    assert splice(TUNE, CHORDS, headers=(header, header)) == joined(TUNE, CHORDS, MIDDLE)


def test_silence_is_nobody_s_half():
    table = table_of([(TUNE, PIANO), (Notes.empty(), PIANO), (Notes.empty(), PIANO)])
    assert same(spliced(table, np.array([1, 0, 1]), np.full(3, MIDDLE), MAX_NOTES), table)


def test_a_phrase_without_notes_left_stays():
    late, early = Notes.from_rows([(36, 6, 60, 80)]), Notes.from_rows([(0, 6, 62, 80)])
    assert splice(late, early) == late
    assert splice(early, late) == Notes.from_rows([(0, 6, 62, 80), (36, 6, 60, 80)])


def test_a_phrase_that_would_be_too_long_stays():
    dense = Notes.from_rows([(tick, 1, 40, 80) for tick in range(48)])
    table, partners, cuts = table_of([(TUNE, PIANO), (dense, PIANO)]), np.array([1, -1]), np.full(2, MIDDLE)
    assert spliced(table, partners, cuts, most_notes=25).phrase(0) == TUNE
    assert spliced(table, partners, cuts, most_notes=26).phrase(0) == joined(TUNE, dense, MIDDLE)


@given(tables, st.data())
def test_a_phrase_is_its_own_start_and_its_partner_s_end_or_what_it_was(table: PhraseTable, data: st.DataObject):
    num_phrases = len(table)
    partners = data.draw(st.lists(st.integers(-1, num_phrases - 1), min_size=num_phrases, max_size=num_phrases))
    cuts = data.draw(st.lists(st.integers(0, 48), min_size=num_phrases, max_size=num_phrases))
    most_notes = data.draw(st.integers(0, 12))
    result = spliced(table, np.array(partners), np.array(cuts), most_notes)
    assert np.array_equal(result.headers, table.headers)
    before = phrases_of(table)
    for i, (partner, cut) in enumerate(zip(partners, cuts, strict=True)):
        whole = joined(before[i], before[partner], cut)
        fits = partner >= 0 and table.headers[i] == table.headers[partner]
        fits = fits and whole is not None and 0 < len(whole) <= most_notes
        assert result.phrase(i) == (whole if fits else before[i])


@given(tables, st.integers(0, 48), st.integers(0, MAX_NOTES))
def test_without_partners_nothing_changes(table: PhraseTable, cut: int, most_notes: int):
    nobody = np.full(len(table), -1)
    assert same(spliced(table, nobody, np.full(len(table), cut), most_notes), table)


def layer(own: Notes, partner: Notes, border: int = 60, headers: tuple[int, int] = (PIANO, PIANO)) -> Notes:
    """What the first of two phrases becomes when only that one is layered."""
    table = PhraseTable.build([own, partner], headers)
    result = layered(table, np.array([1, -1]), np.array([border, border]), MAX_NOTES)
    assert result.phrase(1) == partner
    return result.phrase(0)


def both_hands(own: Notes, partner: Notes, border: int) -> Notes:
    """The notes from the border on, and the partner's below it."""
    high = [row for row in own.table.tolist() if row[2] >= border]
    return Notes.from_rows(high + [row for row in partner.table.tolist() if row[2] < border])


def test_two_phrases_have_the_low_notes_of_each_other():
    table = table_of([(TUNE, PIANO), (CHORDS, PIANO)])
    result = layered(table, np.array([1, 0]), np.array([62, 55]), MAX_NOTES)
    assert result.headers.tolist() == [PIANO, PIANO]
    assert result.phrase(0).table.tolist() == [
        [0, 24, 55, 51], [0, 24, 48, 50], [12, 12, 62, 81], [24, 12, 64, 82], [24, 24, 57, 53], [24, 24, 50, 52],
        [36, 12, 65, 83],
    ]  # fmt: skip
    assert result.phrase(1).table.tolist() == [[0, 24, 55, 51], [24, 24, 57, 53]]


def test_each_phrase_has_a_partner_and_a_border_of_its_own():
    low = CHORDS.transposed(-12)
    table = table_of([(TUNE, PIANO), (CHORDS, PIANO), (low, PIANO)])
    result = layered(table, np.array([2, -1, 0]), np.array([64, 60, 61]), MAX_NOTES)
    assert phrases_of(result) == [both_hands(TUNE, low, 64), CHORDS, both_hands(low, TUNE, 61)]
    assert result.phrase(2) == Notes.from_rows([(0, 12, 60, 80)])


@pytest.mark.parametrize("headers", [(PIANO, STRINGS), (PIANO, DRUMS_HEADER), (DRUMS_HEADER, PIANO)])
def test_phrases_of_different_instruments_keep_their_low_notes(headers):
    assert layer(TUNE, CHORDS, headers=headers) == TUNE


def test_drums_have_no_hands():
    assert layer(TUNE, CHORDS, headers=(DRUMS_HEADER, DRUMS_HEADER)) == TUNE
    assert layer(TUNE, CHORDS, headers=(STRINGS, STRINGS)) == both_hands(TUNE, CHORDS, 60)


def test_silence_has_no_low_notes_to_give():
    table = table_of([(TUNE, PIANO), (Notes.empty(), PIANO), (Notes.empty(), PIANO)])
    assert same(layered(table, np.array([1, 0, 1]), np.full(3, 62), MAX_NOTES), table)


def test_a_phrase_of_which_nothing_would_sound_keeps_its_low_notes():
    high, low = Notes.from_rows([(0, 6, 80, 80)]), Notes.from_rows([(6, 6, 40, 80)])
    assert layer(low, high) == low
    assert layer(high, low) == Notes.from_rows([(0, 6, 80, 80), (6, 6, 40, 80)])


def test_a_phrase_that_would_have_too_many_low_notes_keeps_its_own():
    dense = Notes.from_rows([(tick, 1, 40, 80) for tick in range(48)])
    table, partners, borders = table_of([(TUNE, PIANO), (dense, PIANO)]), np.array([1, -1]), np.full(2, 62)
    assert layered(table, partners, borders, most_notes=50).phrase(0) == TUNE
    assert layered(table, partners, borders, most_notes=51).phrase(0) == both_hands(TUNE, dense, 62)


@given(tables, st.data())
def test_a_phrase_is_its_own_high_notes_and_its_partner_s_low_ones_or_what_it_was(
    table: PhraseTable, data: st.DataObject
):
    num_phrases = len(table)
    partners = data.draw(st.lists(st.integers(-1, num_phrases - 1), min_size=num_phrases, max_size=num_phrases))
    borders = data.draw(st.lists(st.integers(59, 64), min_size=num_phrases, max_size=num_phrases))
    most_notes = data.draw(st.integers(0, 12))
    result = layered(table, np.array(partners), np.array(borders), most_notes)
    assert np.array_equal(result.headers, table.headers)
    before, after = phrases_of(table), phrases_of(result)
    for i, (partner, border) in enumerate(zip(partners, borders, strict=True)):
        whole = both_hands(before[i], before[partner], border)
        fits = partner >= 0 and table.headers[i] == table.headers[partner] and table.headers[i] < DRUMS_HEADER
        fits = fits and 0 < len(whole) <= most_notes
        assert after[i] == (whole if fits else before[i])


@given(tables, st.integers(59, 64), st.integers(0, MAX_NOTES))
def test_without_partners_nobody_s_low_notes_change(table: PhraseTable, border: int, most_notes: int):
    nobody = np.full(len(table), -1)
    assert same(layered(table, nobody, np.full(len(table), border), most_notes), table)


def test_notes_are_lost_one_by_one():
    table = table_of([(TUNE, PIANO), (Notes.empty(), PIANO), (CHORDS, DRUMS_HEADER)])
    is_lost = np.array([False, True, False, True, True, False, False, False])
    left = without_notes(table, is_lost)
    assert np.array_equal(left.headers, table.headers)
    assert phrases_of(left) == [
        Notes.from_rows([(0, 12, 60, 80), (24, 12, 64, 82)]),
        Notes.empty(),
        CHORDS.where(np.array([False, True, True, True])),
    ]


def test_a_phrase_that_would_lose_all_of_its_notes_keeps_them():
    table = table_of([(TUNE, PIANO), (CHORDS, PIANO)])
    left = without_notes(table, np.array([True] * 4 + [True, False, False, False]))
    assert phrases_of(left) == [TUNE, CHORDS.where(np.arange(4) > 0)]
    assert same(without_notes(table, np.ones(8, bool)), table)
    assert same(without_notes(table, np.zeros(8, bool)), table)


@given(tables, st.data())
def test_of_every_phrase_the_other_notes_are_left(table: PhraseTable, data: st.DataObject):
    num_notes = len(table.steps)
    is_lost = np.array(data.draw(st.lists(st.booleans(), min_size=num_notes, max_size=num_notes)), bool)
    left = without_notes(table, is_lost)
    for i, notes in enumerate(phrases_of(table)):
        kept = notes.where(~is_lost[table.offsets[i] : table.offsets[i + 1]])
        assert left.phrase(i) == (kept if len(kept) else notes)


def test_drums_and_what_would_leave_the_range_stay():
    low, high = Notes.from_rows([(0, 12, 2, 80), (0, 12, 60, 80)]), Notes.from_rows([(0, 12, 127, 80)])
    middle, hit = Notes.from_rows([(0, 12, 60, 80)]), Notes.from_rows([(0, 3, 36, 80)])
    table = PhraseTable.build([low, high, middle, hit, Notes.empty(), low], [0, 0, 0, DRUMS_HEADER, SILENT_HEADER, 0])
    moved = transposed(table, np.array([-3, 1, -3, 5, 5, -2]))
    assert phrases_of(moved) == [low, high, middle.transposed(-3), hit, Notes.empty(), low.transposed(-2)]
    assert table.phrase(2) == middle


def test_transposition_by_nothing_is_the_same_table():
    table = table_of([(TUNE, PIANO), (CHORDS, STRINGS)])
    assert transposed(table, np.zeros(2, np.int64)) is table


def test_nothing_is_augmented_unasked():
    table = table_of([(TUNE, PIANO), (CHORDS, STRINGS)])
    assert PhraseAugmentation().apply(table, MAX_NOTES, np.random.default_rng(0)) is table


def test_transpositions_go_up_to_six_semitones_up_and_down():
    table = table_of([(CHORDS, PIANO)] * 200)
    moved = PhraseAugmentation(transposed_share=1.0).apply(table, MAX_NOTES, np.random.default_rng(0))
    semitones = [int(notes.pitch[0] - CHORDS.pitch[0]) for notes in phrases_of(moved)]
    assert set(semitones) == {-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6}
    assert phrases_of(moved) == [CHORDS.transposed(distance) for distance in semitones]


def test_cuts_are_beats_and_half_of_them_the_middle():
    repeated = [Notes.from_rows([(tick, 1, pitch, 80) for tick in range(48)]) for pitch in range(120)]
    table = table_of([(notes, PIANO) for notes in repeated])
    result = PhraseAugmentation(spliced_share=1.0).apply(table, MAX_NOTES, np.random.default_rng(0))
    cuts = Counter(
        int(np.argmax(notes.pitch != pitch))
        for pitch, notes in enumerate(phrases_of(result))
        if len({*notes.pitch}) > 1
    )
    assert cuts.keys() == {12, 24, 36}
    assert 0.35 < cuts[MIDDLE] / cuts.total() < 0.65


def test_borders_are_where_the_hands_of_a_pianist_meet():
    scale = Notes.from_rows([(0, 6, pitch, 80) for pitch in range(40, 80)])
    table = table_of([(scale, PIANO), (scale.shifted(6), PIANO)] * 300)
    result = PhraseAugmentation(layered_share=1.0).apply(table, MAX_NOTES, np.random.default_rng(0))
    borders = set()
    for notes in phrases_of(result):
        own = notes.pitch[notes.onset_ticks == notes.onset_ticks[np.argmax(notes.pitch)]]
        assert len(notes) == 40
        borders |= {int(own.min())} - {40}  # 40 where a phrase met one like itself
    assert borders == set(range(LOWEST_BORDER, HIGHEST_BORDER + 1))


def test_thinned_phrases_lose_a_fifth_of_their_notes():
    chord = Notes.from_rows([(0, 6, pitch, 80) for pitch in range(40, 80)])
    table = table_of([(chord, PIANO)] * 1000)
    result = PhraseAugmentation(thinned_share=0.3).apply(table, MAX_NOTES, np.random.default_rng(0))
    is_thinned = result.num_notes < 40
    assert 0.25 < is_thinned.mean() < 0.35
    assert 0.78 < result.num_notes[is_thinned].mean() / 40 < 0.82


@pytest.mark.parametrize("kind", ["transposed_share", "spliced_share", "layered_share"])
def test_shares_are_as_asked(kind):
    """Of phrases that differ before every cut and behind it, below every border and above it, so that all shows."""
    content = [Notes.from_rows([(0, 6, 8 + i % 40, 80), (36, 6, 100, 1 + i % 127)]) for i in range(1000)]
    table = table_of([(notes, PIANO) for notes in content])
    result = PhraseAugmentation(**{kind: 0.3}).apply(table, MAX_NOTES, np.random.default_rng(0))
    assert 0.25 < np.mean([a != b for a, b in zip(phrases_of(result), content, strict=True)]) < 0.35


@given(tables, st.integers(0, 99))
def test_augmented_phrases_are_as_many_as_before_and_none_is_too_long(table: PhraseTable, seed: int):
    before, most_notes = phrases_of(table), int(table.num_notes.max())
    everything = PhraseAugmentation(transposed_share=1.0, spliced_share=1.0, layered_share=1.0, thinned_share=1.0)
    result = everything.apply(table, most_notes, np.random.default_rng(seed))
    assert np.array_equal(result.headers, table.headers)
    assert [len(notes) > 0 for notes in phrases_of(result)] == (table.headers != SILENT_HEADER).tolist()
    assert result.num_notes.max() <= most_notes
    assert phrases_of(table) == before
    assert same(everything.apply(table, most_notes, np.random.default_rng(seed)), result)
