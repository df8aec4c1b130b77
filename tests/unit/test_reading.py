"""From predictions to phrases: tied cells are read once, and voices keep to their octave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from phraseloom.composer import Composer
from phraseloom.events import SILENT_HEADER, PhraseTable
from phraseloom.phrase_codec import song_phrases
from phraseloom.reading import Reader
from phraseloom.repeats import FRESH
from phraseloom.request import KNOWN, NEW, Request
from phraseloom.score import Notes
from support.networks import SLOTS, tiny_composer
from support.songs import make_song

SONG = make_song(1, num_tracks=2, with_drums=True, form="A2 B2 A2")
MELODY = 0
SHAPE = SONG.num_bars, len(SLOTS)


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return tiny_composer(tmp_path_factory.mktemp("weights"))


def reader_of(composer: Composer, request: Request, *, one_voice: bool = False) -> Reader:
    model = replace(composer.model, one_voice=(one_voice,) + (False,) * (len(SLOTS) - 1))
    return Reader(request, composer.codec, model, seed=1)


def test_only_cells_that_are_not_known_are_read_and_tied_ones_once(composer):
    levels = np.full(SHAPE, NEW)
    levels[:, 1:] = KNOWN
    sources = np.full(SHAPE, FRESH)
    sources[4:] = [[0] * 3, [1] * 3]
    reader = reader_of(composer, Request(SONG, levels, sources))
    assert reader.cells.tolist() == [0, 3, 6, 9, 12, 15]
    assert reader.index.tolist() == [0, 1, 2, 3, 0, 1]
    latents = composer.codec.encode(song_phrases(SONG)).reshape(*SHAPE, -1)
    assert len(reader.read(latents, levels)) == 4


def melody_table(pitches: list[int | None]) -> PhraseTable:
    """Bars of two notes or none in the melody, and nothing else."""
    notes, headers = [], []
    for pitch in pitches:
        of_melody = [] if pitch is None else [(0, 12, pitch, 80), (12, 12, pitch + 2, 80)]
        notes += [Notes.from_rows(of_melody), Notes.empty(), Notes.empty()]
        headers += [SILENT_HEADER if pitch is None else 0, SILENT_HEADER, SILENT_HEADER]
    return PhraseTable.build(notes, headers)


def test_phrases_of_one_voice_are_in_the_octave_of_their_neighbours(composer):
    sources = np.full(SHAPE, FRESH)
    sources[3:5] = [[1] * 3, [0] * 3]
    request, table = Request(SONG, np.full(SHAPE, NEW), sources), melody_table([60, 74, 62, None])
    moved = reader_of(composer, request, one_voice=True).in_octaves(table)
    assert [moved.phrase(number).pitch.tolist() for number in (0, 3, 6, 1)] == [[60, 62], [62, 64], [62, 64], []]
    varied = Request(SONG, np.full(SHAPE, 0.5), sources)
    for reader in (reader_of(composer, request), reader_of(composer, varied, one_voice=True)):
        assert reader.in_octaves(table).steps.tolist() == table.steps.tolist()


def test_what_would_leave_the_range_of_pitches_is_not_moved(composer):
    request = Request(SONG, np.full(SHAPE, NEW))
    table = melody_table([125, 110, 125, 110, 125, 125])
    moved = reader_of(composer, request, one_voice=True).in_octaves(table)
    assert moved.phrase(0).pitch.tolist() == [125, 127]
    assert moved.phrase(3).pitch.tolist() == [122, 124]
