"""Pictures: their size follows the song, and what is asked for is seen where it should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.form import parse_form
from phraseloom.harmony import parse_chord
from phraseloom.render import BAR_LINE, PAPER, TRACK_COLOURS, piano_roll, self_similarity, write_picture
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, Track


def song(form: str = "A4 B4", *, velocity: int = 127) -> Score:
    """A melody of one whole note a bar, C4 in section A and G4 elsewhere, over a piano of quarters on C3."""
    sections = parse_form(form)
    letters = "".join(section.letter * section.num_bars for section in sections)
    melody = [(48 * bar, 48, 60 if letter == "A" else 67, velocity) for bar, letter in enumerate(letters)]
    piano = [(12 * beat, 12, 48, velocity) for beat in range(4 * len(letters))]
    tracks = (Track("Melody", Notes.from_rows(melody)), Track("Piano", Notes.from_rows(piano)))
    return Score(tracks, len(letters), sections=sections)


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.int64)


def near(picture: Image.Image, colour: tuple[int, int, int], tolerance: int = 40) -> np.ndarray:
    """`[height, width]` bool: pixels of about this colour."""
    return np.abs(pixels(picture) - colour).sum(axis=2) < tolerance


def test_every_track_is_drawn_in_its_own_colour():
    picture = piano_roll(song())
    assert picture.width == 1600
    for colour in TRACK_COLOURS[:2]:
        assert near(picture, colour).sum() > 2000
    assert near(picture, TRACK_COLOURS[2]).sum() == 0


def test_a_higher_note_stands_higher():
    loud = near(piano_roll(song()), TRACK_COLOURS[0])
    first_half, second_half = loud[60:, 150:800], loud[60:, 900:]
    assert np.nonzero(second_half)[0].mean() < np.nonzero(first_half)[0].mean()


def test_soft_notes_are_paler():
    def mean_level(velocity: int) -> float:
        picture = pixels(piano_roll(song(velocity=velocity)))
        return picture[60:, 150:].mean()

    assert mean_level(1) > mean_level(64) > mean_level(127)


def test_a_long_song_takes_more_rows():
    heights = [piano_roll(song(form)).height for form in ("A32", "A64", "A64 B64")]
    assert heights[0] < heights[1] < heights[2]
    assert heights[2] - heights[1] == pytest.approx(2 * (heights[1] - heights[0]), abs=2)


def test_a_silent_track_has_no_lane_and_keeps_its_colour():
    score = song()
    melody, piano = score.tracks
    with_silence = Score((melody, Track("Bridge", Notes.empty()), piano), score.num_bars, sections=score.sections)
    picture = piano_roll(with_silence)
    assert picture.height == piano_roll(score).height
    assert near(picture, TRACK_COLOURS[2]).sum() > 2000
    assert near(picture, TRACK_COLOURS[1]).sum() == 0


@settings(max_examples=12, deadline=None)
@given(
    num_bars=st.integers(1, 40),
    meter=st.sampled_from([(4, 4), (3, 4), (6, 8), (1, 4)]),
    rows=st.lists(
        st.tuples(st.integers(0, 39), st.integers(1, 400), st.integers(0, 127), st.integers(1, 127)), max_size=20
    ),
    is_drum=st.booleans(),
)
def test_any_score_has_a_picture(num_bars, meter, rows, is_drum):
    change = MeterChange(0, *meter)
    rows = [(bar % num_bars * change.ticks_per_bar, *rest) for bar, *rest in rows]
    score = Score((Track("x" * 60, Notes.from_rows(rows), is_drum=is_drum),), num_bars, meters=(change,))
    assert piano_roll(score, width_px=500).width == 500
    assert self_similarity(score, width_px=500).width == 500


def test_self_similarity_shows_the_form():
    """A A B: the blocks A-A and B-B are dark. A and B share four notes of six, the piano's, so are paler."""
    picture = pixels(self_similarity(song("A4 A4 B4"), width_px=900)).sum(axis=2)
    top, left = picture.shape[0] - 18 - (900 - 18 - 44), 44
    cell = (900 - 18 - left) / 12

    def shade(row: int, column: int) -> int:
        return int(picture[int(top + (row + 0.5) * cell), int(left + (column + 0.5) * cell)])

    assert shade(0, 0) == shade(0, 5) == shade(9, 10)
    assert shade(0, 9) == shade(9, 0) > shade(0, 5)
    assert shade(0, 9) < sum(PAPER)


def test_silent_pairs_are_grey():
    score = Score((Track("Melody", Notes.from_rows([(0, 12, 60, 90)])),), 4)
    assert near(self_similarity(score), BAR_LINE, 3).sum() > 50_000


@pytest.mark.parametrize("draw", [piano_roll, self_similarity])
@pytest.mark.parametrize(
    ("width_px", "what"), [(-1, "-1 pixels wide"), (399, "399"), (1_000_000, "1000000 pixels wide")]
)
def test_a_width_that_cannot_be_drawn_is_refused(draw, width_px, what):
    with pytest.raises(RequestError, match=what):
        draw(song(), width_px=width_px)


def test_the_written_picture_is_the_same(tmp_path):
    picture = piano_roll(song(), width_px=600)
    path = tmp_path / "song.png"
    write_picture(picture, path)
    with Image.open(path) as read:
        assert (pixels(read) == pixels(picture)).all()
    assert list(tmp_path.iterdir()) == [path]


def test_chords_take_a_line_of_their_own():
    plain = song("A8")
    spans = [ChordSpan(48 * bar, 48, parse_chord("F#m7b5/C" if bar % 2 else "C")) for bar in range(8)]
    with_chords = replace(plain, chords=spans)
    assert piano_roll(with_chords).height > piano_roll(plain).height
    # too narrow for the long names, which are left out: the picture stays as wide as asked
    assert piano_roll(with_chords, width_px=400).width == 400


def test_a_song_too_long_for_a_picture_is_refused():
    """Files of thousands of bars occur; a picture of one would take gigabytes."""
    long = Score((Track("Melody", Notes.from_rows([(0, 12, 60, 90)])),), 9000)
    with pytest.raises(RequestError, match="draw a shorter song"):
        piano_roll(long)
    with pytest.raises(UnsupportedScoreError, match="9000 bars"):
        self_similarity(long)
