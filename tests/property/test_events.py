"""Laws of phrases as arrays: nothing is lost on the way there and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.events import MAX_NOTES, NUM_HEADERS, VOCABULARY, PhraseTable, decode_phrase, encode_phrase
from phraseloom.score import Notes

rows = st.tuples(*(st.integers(attribute.first, attribute.last) for attribute in VOCABULARY.attributes))
headers = st.integers(0, NUM_HEADERS - 1)


def notes_of(steps: list[tuple[int, int, int, int]]) -> Notes:
    """Notes of (onset, pitch, duration, velocity) steps, made playable."""
    return Notes.from_rows([(onset, duration, pitch, velocity) for onset, pitch, duration, velocity in steps])


phrases = st.lists(rows, max_size=MAX_NOTES).map(notes_of)
tables = st.lists(st.tuples(phrases, headers), min_size=1, max_size=6)


def table_of(content: list[tuple[Notes, int]]) -> PhraseTable:
    return PhraseTable.build([notes for notes, _ in content], [header for _, header in content])


@given(phrases)
def test_a_phrase_comes_back(notes: Notes) -> None:
    steps = encode_phrase(notes)
    assert decode_phrase(steps) == notes
    assert (steps >= 0).all()
    assert (steps < VOCABULARY.sizes).all()


@settings(max_examples=50)
@given(tables)
def test_a_table_holds_every_phrase(content: list[tuple[Notes, int]]) -> None:
    table = table_of(content)
    assert [(table.phrase(i), int(table.headers[i])) for i in range(len(table))] == content


@settings(max_examples=50)
@given(tables, st.data())
def test_select_is_indexing(content: list[tuple[Notes, int]], data: st.DataObject) -> None:
    indices = data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8))
    table = table_of(content).select(np.array(indices, np.int64))
    assert [(table.phrase(i), int(table.headers[i])) for i in range(len(table))] == [content[i] for i in indices]


@settings(max_examples=50)
@given(tables, st.integers(0, 3))
def test_padding_keeps_the_steps(content: list[tuple[Notes, int]], extra: int) -> None:
    table = table_of(content)
    padded = table.padded(int(table.num_notes.max()) + extra)
    for row, length, (notes, _) in zip(padded, table.num_notes, content, strict=True):
        assert decode_phrase(row[:length]) == notes
        assert not row[length:].any()


@settings(max_examples=50)
@given(tables)
def test_distinct_phrases_stand_for_all(content: list[tuple[Notes, int]]) -> None:
    content = content + content[:2]
    keys = [(header, notes.table[:, :3].tobytes()) for notes, header in content]
    first, counts = table_of(content).distinct()
    assert sorted(first) == [i for i, key in enumerate(keys) if key not in keys[:i]]
    assert [keys.count(keys[i]) for i in first] == counts.tolist()
