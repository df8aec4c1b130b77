"""REMI-z text by hand, and what its errors point at."""

from __future__ import annotations

import pytest

from phraseloom.errors import ParseError
from phraseloom.remi_z import format_remi_z, parse_remi_z
from phraseloom.score import MeterChange, Notes, Score, Track

PIANO = Track("Piano", Notes.from_rows([(0, 9, 57, 80), (0, 9, 60, 81), (12, 24, 62, 82), (96, 12, 60, 83)]))
BASS = Track("Bass", Notes.from_rows([(48, 48, 36, 90)]), program=33)
DRUMS = Track("Drums", Notes.from_rows([(6, 3, 42, 100)]), program=5, is_drum=True)


def sounds(score: Score) -> list[tuple[int, bool, Notes]]:
    return [(track.program, track.is_drum, track.notes) for track in score.tracks]


def test_a_song_in_the_paper_s_notation():
    assert format_remi_z(Score((PIANO, BASS, DRUMS), 3)).splitlines() == [
        "i-0 o-0 p-60 d-9 p-57 d-9 o-12 p-62 d-24 i-33 i-128 o-6 p-42 d-3 b-1",
        "i-33 o-0 p-36 d-48 b-1",
        "i-0 o-0 p-60 d-12 b-1",
    ]


def test_velocities_are_written_where_wanted():
    text = format_remi_z(Score((BASS,), 2), velocity=True)
    assert text == "i-33 b-1\ni-33 o-0 p-36 d-48 v-90 b-1"


def test_text_is_read():
    score = parse_remi_z(
        "i-0 o-0 p-60 d-9 p-57 d-9 v-33\n o-47 p-62 d-240 i-128 o-6 p-42 d-3 b-1 b-1", default_velocity=64
    )
    assert score.num_bars == 2
    assert [track.name for track in score.tracks] == ["Acoustic Grand Piano", "Drums"]
    assert sounds(score) == [
        (0, False, Notes.from_rows([(0, 9, 60, 64), (0, 9, 57, 33), (47, 240, 62, 64)])),
        (0, True, Notes.from_rows([(6, 3, 42, 64)])),
    ]


def test_tracks_of_one_program_keep_their_places():
    melody, bridge = Notes.from_rows([(0, 6, 72, 80), (96, 6, 74, 80)]), Notes.from_rows([(48, 6, 60, 80)])
    score = Score((Track("M", melody), Track("B", bridge), Track("P", Notes.empty())), 3)
    text = format_remi_z(score)
    assert text.splitlines() == ["i-0 o-0 p-72 d-6 i-0 i-0 b-1", "i-0 i-0 o-0 p-60 d-6 b-1", "i-0 o-0 p-74 d-6 b-1"]
    assert [track.notes for track in parse_remi_z(text).tracks] == [melody, bridge, Notes.empty()]


def test_a_track_may_come_in_late():
    score = parse_remi_z("i-0 o-0 p-60 d-12 b-1 i-33 o-0 p-36 d-12 i-0 o-24 p-60 d-12 b-1")
    assert [(track.program, track.notes.onset_ticks.tolist()) for track in score.tracks] == [(0, [0, 72]), (33, [48])]


def test_notes_of_one_onset_may_come_in_any_order_and_the_onset_twice():
    score = parse_remi_z("i-0 o-0 p-57 d-9 o-0 p-60 d-9 b-1")
    assert score.tracks[0].notes == Notes.from_rows([(0, 9, 60, 80), (0, 9, 57, 80)])


def test_a_note_ends_where_its_pitch_is_struck_again():
    score = parse_remi_z("i-0 o-24 p-60 d-48 b-1 i-0 o-0 p-60 d-12 b-1")
    assert score.tracks[0].notes.duration_ticks.tolist() == [24, 12]


def test_bars_of_other_meters():
    meters = (MeterChange(0, 3, 4), MeterChange(1, 6, 4))
    score = parse_remi_z("i-0 o-35 p-60 d-1 b-1 i-0 o-71 p-62 d-1 b-1", meters=meters)
    assert score.meters == meters
    assert score.tracks[0].notes.onset_ticks.tolist() == [35, 107]


def test_bars_without_tracks():
    assert parse_remi_z(format_remi_z(Score((), 3))) == Score((), 3)


@pytest.mark.parametrize(
    ("text", "token", "message"),
    [
        ("i-0 o-0 q-60 d-9 b-1", "q-60", "no REMI-z token"),
        ("i-0 o-0 p-C4 d-9 b-1", "p-C4", "no REMI-z token"),
        ("i-0 o-0 p60 d-9 b-1", "p60", "no REMI-z token"),
        ("i-0 o--3 p-60 d-9 b-1", "o--3", "no REMI-z token"),
        ("i-0 o-0 p-60 d-99999999999 b-1", "d-99999999999", "no REMI-z token"),
        ("i-129 o-0 p-60 d-9 b-1", "i-129", "instrument 'i-129' is out of range"),
        ("i-0 o-0 p-128 d-9 b-1", "p-128", "pitch 'p-128' is out of range"),
        ("i-0 o-0 p-60 d-0 b-1", "d-0", "duration 'd-0' is out of range"),
        ("i-0 o-0 p-60 d-2147483648 b-1", "d-2147483648", "duration 'd-2147483648' is out of range"),
        ("i-0 o-0 p-60 d-9 v-0 b-1", "v-0", "velocity 'v-0' is out of range"),
        ("i-0 o-0 p-60 d-9 v-128 b-1", "v-128", "velocity 'v-128' is out of range"),
        ("i-0 o-0 p-60 d-9 b-2", "b-2", "end of bar 'b-2' is out of range"),
        ("i-0 o-0 d-9 b-1", "d-9", "duration 'd-9' cannot stand behind 'o-0'"),
        ("i-0 o-0 p-60 d-9 d-8 b-1", "d-8", "cannot stand behind 'd-9'"),
        ("i-0 o-0 p-60 p-62 d-9 b-1", "p-62", "cannot stand behind 'p-60'"),
        ("i-0 p-60 d-9 b-1", "p-60", "cannot stand behind 'i-0'"),
        ("i-0 o-0 p-60 v-80 d-9 b-1", "v-80", "cannot stand behind 'p-60'"),
        ("i-0 o-0 o-12 p-60 d-9 b-1", "o-12", "cannot stand behind 'o-0'"),
        ("o-0 p-60 d-9 b-1", "o-0", "cannot stand at the start"),
        ("b-1 o-3 p-60 d-9 b-1", "o-3", "cannot stand behind 'b-1'"),
        ("i-0 o-48 p-60 d-9 b-1", "o-48", "onset 'o-48' lies outside bar 1, which has 48 ticks"),
        ("b-1\nb-1\ni-0 o-50 p-60 d-9 b-1", "o-50", "onset 'o-50' lies outside bar 3"),
        ("i-0 o-12 p-60 d-9 o-11 p-60 d-9 b-1", "o-11", "onset 'o-11' comes after o-12"),
        ("b-1 i-0 o-0 p-60 d-9", "d-9", "the text ends with 'd-9', inside a bar"),
        ("", "", "the text is empty"),
        (" \n", " \n", "the text is empty"),
    ],
)  # fmt: skip
def test_errors_point_at_the_token(text, token, message):
    with pytest.raises(ParseError) as raised:
        parse_remi_z(text)
    assert message in raised.value.message
    assert text[raised.value.start : raised.value.end] == token


def test_an_error_shows_its_bar_and_says_what_to_write():
    with pytest.raises(ParseError) as raised:
        parse_remi_z("i-0 b-1\ni-0 o-0 d-9 b-1")
    assert str(raised.value).splitlines() == [
        "duration 'd-9' cannot stand behind 'o-0'",
        "  i-0 o-0 d-9 b-1",
        "          ^^^",
        "  write pitch (p-) there",
    ]
