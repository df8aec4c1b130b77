"""The vocabulary, phrases as steps, and tables of phrases, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from phraseloom.events import (
    DRUMS_HEADER,
    MAX_NOTES,
    SILENT_HEADER,
    VOCABULARY,
    EncodingLosses,
    PhraseTable,
    decode_phrase,
    encode_phrase,
    header_of,
)
from phraseloom.score import Notes

CHORD = Notes.from_rows([(0, 24, 60, 80), (0, 24, 64, 81), (30, 6, 62, 127)])
HIT = Notes.from_rows([(12, 1, 36, 1)])
SILENCE = Notes.empty()


def many_notes(num_notes: int) -> Notes:
    """One pitch after the other, all at the bar line."""
    return Notes.from_rows([(0, 12, 127 - i, 80) for i in range(num_notes)])


def test_the_ranges():
    assert [(a.name, a.first, a.last) for a in VOCABULARY.attributes] == [
        ("onset_ticks", 0, 95),
        ("pitch", 0, 127),
        ("duration_ticks", 1, 192),
        ("velocity", 1, 127),
    ]
    assert VOCABULARY.sizes == (96, 128, 192, 127)
    assert VOCABULARY.end_index == 96
    assert (VOCABULARY.num_headers, VOCABULARY.max_notes) == (130, 64)


def test_the_fingerprint_is_that_of_the_weights_already_written():
    """A change here refuses every set of weights there is."""
    assert VOCABULARY.fingerprint == "ed9cdf6e3b48f79a"


@pytest.mark.parametrize(
    "changed",
    [
        replace(VOCABULARY, num_headers=131),
        replace(VOCABULARY, max_notes=65),
        replace(VOCABULARY, attributes=VOCABULARY.attributes[::-1]),
        replace(VOCABULARY, attributes=(replace(VOCABULARY.attributes[0], first=1), *VOCABULARY.attributes[1:])),
        replace(VOCABULARY, attributes=(replace(VOCABULARY.attributes[0], num_values=48), *VOCABULARY.attributes[1:])),
    ],
)
def test_every_change_of_the_vocabulary_changes_its_fingerprint(changed):
    assert changed.fingerprint != VOCABULARY.fingerprint


def test_headers():
    assert header_of(33, is_drum=False, num_notes=2) == 33
    assert header_of(33, is_drum=True, num_notes=2) == DRUMS_HEADER == 128
    assert header_of(33, is_drum=True, num_notes=0) == SILENT_HEADER == 129
    assert header_of(33, is_drum=False, num_notes=0) == SILENT_HEADER


def test_a_phrase_by_hand():
    steps = encode_phrase(CHORD)
    assert steps.tolist() == [[0, 64, 23, 80], [0, 60, 23, 79], [30, 62, 5, 126]]
    assert steps.dtype == np.int16
    assert decode_phrase(steps) == CHORD


def test_the_outermost_values_fit():
    corners = Notes.from_rows([(0, 1, 0, 1), (95, 192, 127, 127)])
    assert encode_phrase(corners).tolist() == [[0, 0, 0, 0], [95, 127, 191, 126]]
    assert decode_phrase(encode_phrase(corners)) == corners


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        (Notes.from_rows([(96, 1, 60, 80)]), "onset_ticks is 96, expected 0 to 95"),
        (Notes.from_rows([(0, 193, 60, 80)]), "duration_ticks is 193, expected 1 to 192"),
        (many_notes(65), "a phrase of 65 notes, expected at most 64"),
    ],
)
def test_what_does_not_fit_is_refused(notes, message):
    with pytest.raises(ValueError, match=message):
        encode_phrase(notes)


def test_a_table_holds_its_phrases():
    table = PhraseTable.build([CHORD, SILENCE, HIT], [0, SILENT_HEADER, DRUMS_HEADER])
    assert len(table) == 3
    assert table.num_notes.tolist() == [3, 0, 1]
    assert [table.phrase(i) for i in range(3)] == [CHORD, SILENCE, HIT]
    assert table.losses == EncodingLosses(0, 0)


def test_notes_beyond_the_64th_are_dropped_and_counted():
    table = PhraseTable.build([many_notes(70), many_notes(64), many_notes(65)], [0, 0, 0])
    assert table.num_notes.tolist() == [MAX_NOTES] * 3
    assert table.phrase(0) == many_notes(MAX_NOTES)
    assert table.losses == EncodingLosses(num_notes_dropped=7)


def test_long_notes_are_shortened_and_counted():
    long = Notes.from_rows([(0, 193, 60, 80), (0, 192, 64, 80), (6, 1000, 62, 80)])
    table = PhraseTable.build([long], [0])
    assert table.phrase(0) == Notes.from_rows([(0, 192, 60, 80), (0, 192, 64, 80), (6, 192, 62, 80)])
    assert table.losses == EncodingLosses(num_durations_clipped=2)


def test_an_onset_outside_the_longest_bar_is_no_loss_but_a_mistake():
    with pytest.raises(ValueError, match="onset_ticks is 100"):
        PhraseTable.build([Notes.from_rows([(100, 1, 60, 80)])], [0])


def test_select_gives_phrases_in_the_order_asked():
    table = PhraseTable.build([CHORD, SILENCE, HIT], [0, SILENT_HEADER, DRUMS_HEADER])
    chosen = table.select(np.array([2, 0, 1, 2]))
    assert [chosen.phrase(i) for i in range(4)] == [HIT, CHORD, SILENCE, HIT]
    assert chosen.headers.tolist() == [DRUMS_HEADER, 0, SILENT_HEADER, DRUMS_HEADER]


def test_padding_is_zeros_behind_the_end():
    table = PhraseTable.build([HIT, SILENCE, CHORD], [DRUMS_HEADER, SILENT_HEADER, 0])
    padded = table.padded()
    assert padded.shape == (3, 3, 4)
    assert padded[0].tolist() == [[12, 36, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert not padded[1].any()
    assert padded[2].tolist() == encode_phrase(CHORD).tolist()
    longer = table.padded(5)
    assert longer.shape == (3, 5, 4)
    assert (longer[:, :3] == padded).all()
    assert not longer[:, 3:].any()


def test_distinct_phrases_differ_in_more_than_velocity():
    louder = Notes.from_rows([(12, 1, 36, 99)])
    longer = Notes.from_rows([(12, 2, 36, 1)])
    phrases = [HIT, CHORD, louder, longer, HIT, HIT]
    table = PhraseTable.build(phrases, [DRUMS_HEADER, 0, DRUMS_HEADER, DRUMS_HEADER, DRUMS_HEADER, 0])
    first, counts = table.distinct()
    assert dict(zip(first.tolist(), counts.tolist(), strict=True)) == {0: 3, 1: 1, 3: 1, 5: 1}


def test_a_table_of_nothing():
    table = PhraseTable.build([], [])
    assert (len(table), table.padded().shape) == (0, (0, 0, 4))
    first, counts = table.distinct()
    assert len(first) == len(counts) == len(table.select(first)) == 0
