"""MIDI files to scores and back.

`load_midi` gives a file's song at its own resolution, `read_midi` a `Score` on the library's grid with everything else
that the file holds as passengers; `midi_bytes` and `write_midi` go the other way, and
`read_midi(midi_bytes(score)) == score`.
"""

from __future__ import annotations

from pathlib import Path

from phraseloom.midi.boarding import with_passengers
from phraseloom.midi.quantising import QuantisedSong, quantise
from phraseloom.midi.reading import load_midi
from phraseloom.midi.song import MidiSong, MidiTrack, TimedKey, TimedMeter, TimedTempo, TimedText
from phraseloom.midi.writing import midi_bytes, write_midi
from phraseloom.score import Score

__all__ = [
    "MidiSong",
    "MidiTrack",
    "QuantisedSong",
    "TimedKey",
    "TimedMeter",
    "TimedTempo",
    "TimedText",
    "load_midi",
    "midi_bytes",
    "quantise",
    "read_midi",
    "with_passengers",
    "write_midi",
]


def read_midi(source: bytes | Path | str) -> Score:
    """The score of a MIDI file, from its bytes or its path, on the grid of 12 ticks to the quarter, with passengers.

    `quantise(load_midi(source))` gives the same score without passengers, together with what was odd.

    Raises:
        UnreadableFileError: no such file, not MIDI, damaged beyond use, or without notes.
        UnsupportedScoreError: a meter that the grid cannot hold, or a song of over 2,000 bars.
    """
    song = load_midi(source)
    return with_passengers(quantise(song).score, song)
