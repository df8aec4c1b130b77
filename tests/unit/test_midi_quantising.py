"""From a file's own ticks to the grid: hand-worked songs."""

from __future__ import annotations

import numpy as np
import pytest

from phraseloom.form import format_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.midi import load_midi, quantise, read_midi
from phraseloom.score import Score
from support.smf import chunk, meta, midi_file, note, program

BAR = 1920  # ticks of a 4/4 bar at 480 to the quarter


def meter(numerator: int, exponent: int, delta_ticks: int = 0) -> bytes:
    return meta(0x58, bytes([numerator, exponent, 24, 8]), delta_ticks)


def marker(text: str, delta_ticks: int = 0) -> bytes:
    return meta(0x06, text.encode(), delta_ticks)


def song_of(*events: bytes, bars: int = 8) -> bytes:
    """A file with these events in the conductor track and a whole note in every 4/4 bar."""
    return midi_file(chunk(*events), chunk(*[note(60, BAR)] * bars))


def meters_of(score: Score) -> list[tuple[int, str]]:
    return [(change.bar, str(change)) for change in score.meters]


def warnings_of(content: bytes) -> tuple[str, ...]:
    return quantise(load_midi(content)).warnings


# Notes


@pytest.mark.parametrize(
    ("onset", "duration", "expected"),
    [
        (0, 480, (0, 12)),
        (19, 480, (0, 12)),  # a grid tick has 40 of the file's: under half goes down,
        (20, 480, (1, 12)),  # half and more go up
        (59, 19, (1, 1)),  # a note lasts at least one tick
        (60, 0, (2, 1)),
        (480, 460, (12, 12)),  # 11.5
    ],
)
def test_onsets_and_ends_are_rounded(onset, duration, expected):
    notes = read_midi(midi_file(chunk(note(60, duration, onset)))).tracks[0].notes
    assert (notes.onset_ticks[0], notes.duration_ticks[0]) == expected


def test_notes_that_follow_each_other_do_so_on_the_grid():
    notes = read_midi(midi_file(chunk(note(60, 59, 19), note(60, 100), note(60, 61)))).tracks[0].notes
    assert notes.onset_ticks.tolist() == [0, 2, 4]
    assert notes.duration_ticks.tolist() == [2, 2, 2]


def test_triplets_and_sixteenths_are_on_the_grid():
    sixth, sixteenth = 160, 120
    notes = read_midi(midi_file(chunk(*[note(60, sixth)] * 3, *[note(62, sixteenth)] * 4))).tracks[0].notes
    assert notes.onset_ticks.tolist() == [0, 4, 8, 12, 15, 18, 21]


@pytest.mark.parametrize("division", [1, 7, 24, 100, 32_767])
def test_a_quarter_is_12_ticks_at_any_division(division):
    events = [note(60, division), note(62, division)]
    notes = read_midi(midi_file(chunk(*events), division=division)).tracks[0].notes
    assert notes.table[:, :3].tolist() == [[0, 12, 60], [12, 12, 62]]


def test_notes_that_meet_on_the_grid_are_counted():
    content = midi_file(chunk(note(60, 5), note(60, 480), note(64, 480)))
    score, warnings = quantise(load_midi(content))
    assert score.tracks[0].notes.table.tolist() == [[0, 12, 60, 80], [12, 12, 64, 80]]
    assert warnings == ("notes that fall on another of their pitch on the grid: 1; the longer one stays",)


def test_drums_and_programs_are_kept():
    score = read_midi(midi_file(chunk(program(40), note(60, 10)), chunk(note(36, 10, channel=9))))
    assert [(track.program, track.is_drum) for track in score.tracks] == [(40, False), (0, True)]


# Length


@pytest.mark.parametrize(
    ("onset", "duration", "num_bars"),
    [
        (0, 1, 1),
        (0, BAR, 1),
        (0, BAR + 480 - 40, 1),  # rings on for less than a quarter
        (0, BAR + 480, 2),
        (BAR - 40, 480, 1),
        (BAR, 40, 2),
        (BAR - 10, 40, 2),  # rounded onto the bar line
        (5 * BAR, 40, 6),  # silent bars before the first note stay
    ],
)
def test_bars_cover_the_notes(onset, duration, num_bars):
    assert read_midi(midi_file(chunk(note(60, duration, onset)))).num_bars == num_bars


@pytest.mark.parametrize(("end", "num_bars"), [(BAR, 4), (4 * BAR, 4), (6 * BAR, 6), (6 * BAR + 480, 7)])
def test_the_end_marker_says_how_long_the_song_is(end, num_bars):
    assert read_midi(song_of(marker("End", end), bars=4)).num_bars == num_bars


def test_a_last_note_may_ring_past_the_end_marker():
    score = read_midi(midi_file(chunk(marker("end ", BAR)), chunk(note(60, 3 * BAR))))
    assert score.num_bars == 1
    assert score.tracks[0].notes.duration_ticks.tolist() == [144]


# Meters


def test_without_a_meter_it_is_4_4():
    assert meters_of(read_midi(song_of())) == [(0, "4/4")]


def test_meter_changes_at_bar_lines():
    score = read_midi(song_of(meter(3, 2), meter(6, 3, 3 * 480 * 2), meter(4, 2, 3 * 480)))
    assert meters_of(score) == [(0, "3/4"), (2, "6/8"), (3, "4/4")]
    assert score.bar_start_ticks[:5].tolist() == [0, 36, 72, 108, 156]


def test_an_upbeat_in_a_bar_of_its_own():
    score = read_midi(song_of(meter(1, 2), meter(4, 2, 480)))
    assert meters_of(score) == [(0, "1/4"), (1, "4/4")]
    assert score.bar_start_ticks[:3].tolist() == [0, 12, 60]


@pytest.mark.parametrize(
    ("inside_bar", "cut"),
    [
        (480, "1/4"),
        (960, "2/4"),
        (240, "1/8"),
        (720, "3/8"),
        (120, "1/16"),
        (600, "5/16"),
        (610, "5/16"),
        (1880, "4/4"),
    ],
)
def test_a_meter_change_inside_a_bar_cuts_it_short(inside_bar, cut):
    content = song_of(meter(4, 2), meter(3, 2, BAR + inside_bar))
    assert meters_of(read_midi(content)) == [(0, "4/4"), (1, cut), (2, "3/4")]
    assert warnings_of(content) == ("bars cut short by a change of meter: 1, the first bar 2",)


def test_a_meter_change_just_behind_a_bar_line_is_at_it():
    content = song_of(meter(4, 2), meter(3, 2, BAR + 25))
    assert meters_of(read_midi(content)) == [(0, "4/4"), (1, "3/4")]
    assert warnings_of(content) == ()


def test_meter_changes_on_neighbouring_ticks():
    content = song_of(*[meter(1 + i % 5, 4, 40) for i in range(200)])
    starts = read_midi(content).bar_start_ticks
    assert (np.diff(starts) > 0).all()
    assert starts[-1] > 7 * 48, "the last note starts there"


def test_the_running_meter_repeated_inside_a_bar_is_no_change():
    content = song_of(meter(3, 2), meter(3, 2, 500), meter(3, 2, 1000))
    assert meters_of(read_midi(content)) == [(0, "3/4")]
    assert warnings_of(content) == ()


def test_of_two_meters_at_one_place_the_last_counts():
    assert meters_of(read_midi(song_of(meter(3, 2), meter(6, 3), meter(5, 2, 0)))) == [(0, "5/4")]


def test_a_meter_change_behind_the_last_note_is_no_change():
    assert meters_of(read_midi(song_of(meter(4, 2), meter(3, 2, 8 * BAR)))) == [(0, "4/4")]


# Tempo, key, title


def tempo(tempo_bpm: float, delta_ticks: int = 0) -> bytes:
    return meta(0x51, round(60e6 / tempo_bpm).to_bytes(3, "big"), delta_ticks)


def test_tempo_changes():
    score = read_midi(song_of(tempo(92.5), tempo(60, BAR), tempo(70, 10), tempo(80, 8 * BAR)))
    assert [(change.tick, change.tempo_bpm) for change in score.tempos] == [(0, 92.5), (48, 70)]


def test_a_first_tempo_behind_the_start_leaves_120_before_it():
    assert [(change.tick, change.tempo_bpm) for change in read_midi(song_of(tempo(60, 480))).tempos] == [
        (0, 120),
        (12, 60),
    ]


def test_tempos_out_of_range_are_moved_into_it():
    content = song_of(tempo(5), meta(0x51, b"\x00\x00\x01", 480))
    assert [change.tempo_bpm for change in read_midi(content).tempos] == [10, 600]
    assert warnings_of(content) == (
        "tempos outside 10 to 600 bpm: 2, the first 5; each is read as the nearest allowed",
    )


def test_the_first_key_signature_is_the_songs_key():
    score = read_midi(song_of(meta(0x59, bytes([3, 0])), meta(0x59, bytes([0, 1]), BAR), meta(0x03, b"Song")))
    assert score.key == Key(9, "major")
    assert score.title == "Song"


# Sections


def form_of(content: bytes) -> str:
    return format_form(read_midi(content).sections)


def test_sections_from_our_markers():
    content = song_of(marker("Intro 1 (i)"), marker("Verse 1 (A)", 2 * BAR), marker("End", 6 * BAR), bars=8)
    assert form_of(content) == "i2 A6"


def test_sections_from_the_markers_of_a_daw():
    names = ["Intro", "Verse 1", "PRE-CHORUS", "Chorus 1", "solo", "Bridge", "Refrain 2", "Outro"]
    content = song_of(*[marker(name, BAR * (i > 0)) for i, name in enumerate(names)])
    assert form_of(content) == "i1 A1 D1 B1 x1 C1 B1 o1"


def test_other_markers_are_no_sections():
    assert form_of(song_of(marker("Take 3"), marker("(ab)", BAR), marker("Verse (A) loud", BAR))) == ""


def test_a_marker_near_a_bar_line_is_at_it():
    assert form_of(song_of(marker("Verse 1 (A)", 30), marker("Chorus 1 (B)", 4 * BAR - 60))) == "A4 B4"


def test_markers_that_leave_the_start_out_make_no_form():
    content = song_of(marker("Verse 1 (A)", 2 * BAR))
    assert form_of(content) == ""
    assert warnings_of(content) == ("section markers begin at bar 3, not at bar 1, and are not used",)


def test_a_section_too_long_for_a_form():
    content = song_of(marker("Verse 1 (A)"), bars=129)
    assert form_of(content) == ""
    assert warnings_of(content) == ("section markers leave a section of 129 bars, over 128, and are not used",)


# Chords


def chord(text: str, delta_ticks: int = 0) -> bytes:
    return meta(0x01, f"chord: {text}".encode(), delta_ticks)


def test_chords_hold_until_the_next_a_gap_or_the_end():
    score = read_midi(song_of(chord("Am7/G"), chord("-", 480), chord("N.C.", 480), chord("F", BAR), bars=2))
    assert [(span.onset_ticks, span.duration_ticks, str(span.chord)) for span in score.chords] == [
        (0, 12, "Am7/G"),
        (24, 48, "N.C."),
        (72, 24, "F"),
    ]


def test_a_chord_that_is_none_is_passed_over():
    content = song_of(chord("C"), chord("H#x", BAR), meta(0x01, b"chords by ear", BAR))
    assert [span.chord for span in read_midi(content).chords] == [parse_chord("C")]
    assert warnings_of(content) == ("chord texts that name no chord: 1, the first 'chord: H#x'; they are passed over",)
