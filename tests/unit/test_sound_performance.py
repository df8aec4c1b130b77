"""What sounds when: seconds out of ticks and tempos, and the messages that each part hears."""

from __future__ import annotations

import pytest

from phraseloom.midi import load_midi, read_midi
from phraseloom.passengers import Phase
from phraseloom.score import Notes, Score, TempoChange, Track
from phraseloom.sound.performance import Part, perform_midi, perform_score
from support import smf
from support.songs import make_song

SUSTAIN, EXPRESSION = 64, 11


def control(number: int, value: int, delta_ticks: int = 0, channel: int = 0) -> bytes:
    return smf.quantity(delta_ticks) + bytes([0xB0 | channel, number, value])


def controls(part: Part) -> list[tuple[float, int, int]]:
    """Seconds, number and value."""
    return [(message.seconds, *message.data[1:]) for message in part.messages]


def test_tempo_changes_are_followed():
    """At 60 bpm a quarter takes 1 s; from the third quarter on, at 120 bpm, half a second."""
    notes = Notes.from_rows([(0, 12, 60, 90), (12, 24, 62, 90), (36, 12, 64, 90)])
    score = Score((Track("Melody", notes, 13),), 1, tempos=(TempoChange(0, 60), TempoChange(24, 120)))
    performance = perform_score(score)
    (part,) = performance.parts
    assert part.onset_seconds == pytest.approx([0.0, 1.0, 2.5])
    assert part.end_seconds == pytest.approx([1.0, 2.5, 3.0])
    assert performance.song_seconds == pytest.approx(3.0)
    assert performance.end_seconds == pytest.approx(3.0)
    assert (part.name, part.note_programs.tolist(), part.is_drum) == ("Melody", [13] * 3, False)


def test_every_track_has_its_part():
    song = make_song(3, 2, with_drums=True)
    score = Score((*song.tracks, Track("Silent", Notes.empty(), 40)), song.num_bars, tempos=song.tempos)
    performance = perform_score(score)
    assert [(part.name, part.is_drum, part.num_notes) for part in performance.parts] == [
        (track.name, track.is_drum, len(track.notes)) for track in score.tracks
    ]
    assert performance.song_seconds == pytest.approx(score.duration_seconds, abs=1e-3)


def test_a_score_without_notes_is_silence_of_its_length():
    performance = perform_score(Score((Track("Silent", Notes.empty()),), 2))
    assert [part.num_notes for part in performance.parts] == [0]
    assert performance.end_seconds == 4.0


def test_a_last_note_may_end_after_the_song():
    score = Score((Track("Melody", Notes.from_rows([(36, 24, 60, 90)])),), 1)
    performance = perform_score(score)
    assert performance.song_seconds == 2.0
    assert performance.end_seconds == 2.5


def test_a_file_keeps_its_own_timing():
    """A note 7 of 480 ticks after the beat, where the library's grid has one tick in 40."""
    content = smf.midi_file(smf.chunk(smf.note(60, 100, delta_ticks=487)))
    for performance in (perform_midi(load_midi(content)), perform_score(read_midi(content))):
        assert performance.parts[0].onset_seconds == pytest.approx([487 / 960])
        assert performance.parts[0].end_seconds == pytest.approx([587 / 960])


def test_a_late_first_tempo_leaves_the_default_before_it():
    """120 bpm for one quarter, then 60."""
    tempo = smf.meta(0x51, (1_000_000).to_bytes(3, "big"), delta_ticks=480)
    track = smf.chunk(tempo, smf.note(60, 480, delta_ticks=480))
    performance = perform_midi(load_midi(smf.midi_file(track)))
    assert performance.parts[0].onset_seconds == pytest.approx([1.5])


def test_a_note_has_the_program_of_its_time():
    track = smf.chunk(smf.program(5), smf.note(60, 480), smf.program(7), smf.note(62, 480))
    (part,) = perform_midi(load_midi(smf.midi_file(track))).parts
    assert part.note_programs.tolist() == [5, 7]
    assert part.messages == ()


def test_a_pedal_is_heard_by_its_part_only():
    piano = smf.chunk(control(SUSTAIN, 127, 240), smf.note(60, 480, 240), control(SUSTAIN, 0))
    flute = smf.chunk(smf.note(72, 960, channel=1))
    heard, not_heard = perform_midi(load_midi(smf.midi_file(piano, flute))).parts
    assert controls(heard) == [(0.25, SUSTAIN, 127), (1.0, SUSTAIN, 0)]
    assert [message.phase for message in heard.messages] == [Phase.BEFORE_NOTES, Phase.BEHIND_NOTE_OFFS]
    assert not_heard.messages == ()


def test_hands_that_share_a_channel_share_their_pedal():
    right = smf.chunk(smf.note(72, 960), control(SUSTAIN, 0))
    left = smf.chunk(control(SUSTAIN, 127), smf.note(48, 960))
    parts = perform_midi(load_midi(smf.midi_file(right, left))).parts
    assert [controls(part) for part in parts] == [[(0.0, SUSTAIN, 127), (1.0, SUSTAIN, 0)]] * 2


def test_a_conductor_sets_up_channels():
    conductor = smf.chunk(control(EXPRESSION, 50, channel=1), control(EXPRESSION, 90, channel=2))
    flute = smf.chunk(smf.note(72, 960, channel=2))
    (part,) = perform_midi(load_midi(smf.midi_file(conductor, flute))).parts
    assert controls(part) == [(0.0, EXPRESSION, 90)]
