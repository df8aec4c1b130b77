"""The MIDI file of one part: what a synthesiser is told, read back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from phraseloom.midi import load_midi
from phraseloom.passengers import Phase
from phraseloom.sound.part_midi import part_midi
from phraseloom.sound.performance import Part, TimedMessage, perform_midi

SUSTAIN, VOLUME = 64, 7


def part(rows: list[tuple[float, float, int, int]], is_drum: bool = False) -> Part:
    """From (onset, end, pitch, velocity), in seconds."""
    onset, end, pitch, velocity = np.array(rows).T
    return Part("Part", is_drum, onset, end, pitch.astype(int), velocity.astype(int), np.zeros(len(rows), int))


def control(seconds: float, number: int, value: int, phase: Phase = Phase.BEFORE_NOTES) -> TimedMessage:
    return TimedMessage(seconds, bytes([0xB0, number, value]), phase)


def read_back(content: bytes) -> Part:
    (found,) = perform_midi(load_midi(content)).parts
    return found


def test_times_are_kept_to_a_hundredth_of_a_millisecond():
    found = read_back(part_midi(part([(0.0, 0.25, 60, 90), (1.23456, 1700.5, 67, 20)]), 1704.0))
    assert found.onset_seconds == pytest.approx([0.0, 1.23456], abs=1e-6)
    assert found.end_seconds == pytest.approx([0.25, 1700.5], abs=1e-6)
    assert found.pitch.tolist() == [60, 67]
    assert found.velocity.tolist() == [90, 20]
    assert not found.is_drum


def test_programs_change_before_their_note():
    changing = replace(
        part([(0.5, 1.0, 60, 90), (1.0, 2.0, 62, 90), (1.0, 2.0, 64, 90)]), note_programs=np.array([41, 7, 7])
    )
    content = part_midi(changing, 3.0)
    assert read_back(content).note_programs.tolist() == [41, 7, 7]
    assert (content.count(b"\xc0\x29"), content.count(b"\xc0\x07")) == (1, 1)


def test_drums_play_on_their_channel():
    drums = replace(part([(0.0, 0.1, 38, 90)], is_drum=True), messages=(control(0.0, 91, 10),))
    found = read_back(part_midi(drums, 1.0))
    assert found.is_drum
    assert [message.data[1:] for message in found.messages] == [bytes([VOLUME, 100]), bytes([91, 10])]


def test_no_note_is_left_hanging():
    """One of no duration, two of a pitch that overlap, one that is struck as the last one ends."""
    rows = [(0.0, 0.0, 60, 90), (1.0, 3.0, 62, 90), (2.0, 2.5, 62, 90), (2.5, 3.0, 62, 90)]
    content = part_midi(part(rows), 4.0)
    assert load_midi(content).warnings == ()
    assert read_back(content).end_seconds == pytest.approx([0.001, 2.0, 2.5, 3.0])


def test_a_pedal_keeps_its_place_among_the_notes():
    """Pressed behind a note's end it does not hold that note, and holds one that ends with it when pressed before."""
    note = part([(0.0, 0.5, 60, 90), (0.5, 1.0, 62, 90)])
    off, on = bytes([0x80, 60]), bytes([0x90, 62])
    pedal = bytes([0xB0, SUSTAIN, 127])
    orders = {
        Phase.BEFORE_NOTES: [pedal, off, on],
        Phase.BEHIND_NOTE_OFFS: [off, pedal, on],
        Phase.BEHIND_NOTE_ONS: [off, on, pedal],
    }
    for phase, order in orders.items():
        content = part_midi(replace(note, messages=(control(0.5, SUSTAIN, 127, phase),)), 2.0)
        assert sorted(order, key=content.index) == order


def test_volume_scales_the_parts_own():
    loud = replace(part([(0.0, 0.5, 60, 90)]), messages=(control(0.25, VOLUME, 80), control(0.3, VOLUME, 127)))
    found = read_back(part_midi(loud, 1.0, volume=25))
    assert [message.data[2] for message in found.messages] == [25, 20, 32]


def test_it_goes_on_until_the_end_asked_and_no_further():
    late = replace(part([(0.0, 0.5, 60, 90)]), messages=(control(3000.0, SUSTAIN, 127),))
    content = part_midi(late, 1.0)
    assert content.endswith(b"\x83\x86\x50\xff\x2f\x00")  # 50,000 ticks behind the note
    assert bytes([0xB0, SUSTAIN, 127]) not in content
