"""The law of REMI-z text: what it can hold comes back, whatever programs the tracks share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.errors import ParseError
from phraseloom.remi_z import format_remi_z, parse_remi_z
from phraseloom.score import MeterChange, Notes, Score, Track


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Few programs and few notes, so that tracks share programs and many bars are silent."""
    num_bars = draw(st.integers(1, 5))
    meters = [MeterChange(bar, draw(st.integers(1, 8)), 4) for bar in range(draw(st.integers(1, num_bars)))]
    num_ticks = Score((), num_bars, meters).num_ticks
    row = st.tuples(st.integers(0, num_ticks - 1), st.integers(1, 200), st.integers(0, 127), st.integers(1, 127))
    track = st.builds(
        lambda rows, program, is_drum: Track("track", Notes.from_rows(rows), program, is_drum),
        st.lists(row, max_size=6),
        st.sampled_from([0, 0, 33]),
        st.sampled_from([False, False, True]),
    )
    return Score(draw(st.lists(track, max_size=5)), num_bars, meters)


def error_of(text: str, meters: Sequence[MeterChange]) -> ParseError | None:
    try:
        parse_remi_z(text, meters=meters)
    except ParseError as error:
        return error
    return None


def sounds(score: Score) -> list[tuple[int, Notes]]:
    """What the text can hold of tracks: programs, drums as 128, and notes."""
    return [(128 if track.is_drum else track.program, track.notes) for track in score.tracks]


@settings(max_examples=50)
@given(scores())
def test_bars_tracks_and_notes_come_back(score: Score) -> None:
    read = parse_remi_z(format_remi_z(score, velocity=True), meters=score.meters)
    assert read.num_bars == score.num_bars
    assert sounds(read) == sounds(score)


@settings(max_examples=50)
@given(scores(), st.integers(1, 127))
def test_without_velocities_all_are_the_one_given(score: Score, velocity: int) -> None:
    read = parse_remi_z(format_remi_z(score), default_velocity=velocity, meters=score.meters)
    for (program, notes), (expected_program, expected) in zip(sounds(read), sounds(score), strict=True):
        assert program == expected_program
        assert (notes.table[:, :3] == expected.table[:, :3]).all()
        assert (notes.velocity == velocity).all()


tokens = st.builds("{}-{}".format, st.sampled_from("iopdvbx"), st.integers(0, 130))


@given(st.lists(tokens, max_size=12).map(" ".join) | st.text(max_size=20))
def test_any_text_is_a_song_or_a_parse_error(text: str) -> None:
    with suppress(ParseError):
        assert parse_remi_z(text).num_bars >= 1


@settings(max_examples=50)
@given(scores(), st.data())
def test_a_song_with_a_wrong_token_is_a_song_or_an_error_at_a_token(score: Score, data: st.DataObject) -> None:
    words = format_remi_z(score).split()
    words[data.draw(st.integers(0, len(words) - 1))] = data.draw(tokens)
    error = error_of(" ".join(words), score.meters[:1])
    assert error is None or error.text[error.start : error.end] in words
