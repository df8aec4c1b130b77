"""What travels with a song although the score does not speak of it.

A MIDI file holds more than notes on a grid: pedals and bends, lyrics, tracks without notes, and the very moments at
which the notes were played. No model looks at any of it. It stays beside the score, moves with the bars when they
move, and is written back where it was.
"""

from phraseloom.passengers.messages import Message, Phase
from phraseloom.passengers.moving import END_OF_TIME, Stretch
from phraseloom.passengers.of_songs import NO_SONG_PASSENGERS, PlayedTempo, SongPassengers
from phraseloom.passengers.of_tracks import NO_TRACK_PASSENGERS, Place, TrackPassengers
from phraseloom.passengers.played import PlayedNotes
from phraseloom.passengers.resolution import DEFAULT_TICKS_PER_QUARTER, common_ticks_per_quarter

__all__ = [
    "DEFAULT_TICKS_PER_QUARTER",
    "END_OF_TIME",
    "NO_SONG_PASSENGERS",
    "NO_TRACK_PASSENGERS",
    "Message",
    "Phase",
    "Place",
    "PlayedNotes",
    "PlayedTempo",
    "SongPassengers",
    "Stretch",
    "TrackPassengers",
    "common_ticks_per_quarter",
]
