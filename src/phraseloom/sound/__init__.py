"""Songs as sound: a score or a MIDI file in, stereo audio out, whole or a stem for each track.

`perform_score` or `perform_midi` says what sounds when, `render_mix` and `render_stems` make it sound, `write_audio`
and `write_stems` write it down.
"""

from phraseloom.sound.audio_files import AUDIO_FORMATS, audio_bytes, write_audio
from phraseloom.sound.performance import Part, Performance, TimedMessage, perform_midi, perform_score
from phraseloom.sound.soundfont import Soundfont, default_soundfont, open_soundfont
from phraseloom.sound.stems import Stems, render_mix, render_stems, require_stems_folder, write_stems
from phraseloom.sound.synthesis import synthesise
from phraseloom.sound.synthesisers import SAMPLE_RATE_HZ

__all__ = [
    "AUDIO_FORMATS",
    "SAMPLE_RATE_HZ",
    "Part",
    "Performance",
    "Soundfont",
    "Stems",
    "TimedMessage",
    "audio_bytes",
    "default_soundfont",
    "open_soundfont",
    "perform_midi",
    "perform_score",
    "render_mix",
    "render_stems",
    "require_stems_folder",
    "synthesise",
    "write_audio",
    "write_stems",
]
