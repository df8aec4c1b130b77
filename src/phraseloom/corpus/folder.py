"""Songs from any folder of MIDI files, without labels: what they do not say is found or estimated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from phraseloom.corpus.duplicates import notes_digest
from phraseloom.corpus.song import CorpusSong, Rejection
from phraseloom.corpus.splits import split_of_digest
from phraseloom.errors import UnreadableFileError, UserError
from phraseloom.midi import load_midi, quantise
from phraseloom.score import Track
from phraseloom.structure import find_form, key_of_notes

MAX_TRACKS = 8
"""Tracks kept of a song, those with the most notes."""

SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
"""Files that are taken for MIDI, in capitals too."""


@dataclass(frozen=True)
class FolderSong:
    """A song, and what has to be said of it: warnings of the file, tracks left out."""

    song: CorpusSong
    remarks: tuple[str, ...]


def midi_files(directory: Path) -> list[Path]:
    """The MIDI files in a folder and its subfolders, ordered by path.

    Raises:
        UnreadableFileError: it is no folder, or there is no MIDI file in it.
    """
    if not directory.is_dir():
        raise UnreadableFileError(f"{directory} is no folder", "give a folder with MIDI files")
    paths = [
        Path(folder, name)
        for folder, _, names in os.walk(directory)
        for name in names
        if name.lower().endswith(SUFFIXES) and Path(folder, name).is_file()
    ]
    if not paths:
        raise UnreadableFileError(
            f"{directory} holds no MIDI file", f"give a folder with files that end in {', '.join(SUFFIXES)}"
        )
    return sorted(paths)


def song_id_of(path: Path, directory: Path) -> str:
    """The file's path inside the folder, with `/` on every system."""
    relative = path.relative_to(directory).as_posix()
    return relative.encode(errors="backslashreplace").decode()  # names that are no text stay printable


def read_folder_song(path: Path, song_id: str) -> FolderSong | Rejection:
    """One MIDI file as a song with form, key and split, or the reason why not.

    The form is that of the file's section markers, else found from repeats; the key that of its key signature, else
    estimated. Meters and lengths are kept as they are. The split follows from the notes.
    """
    try:
        midi = load_midi(path)
        score, warnings = quantise(midi)
    except UserError as error:
        return Rejection(song_id, error.message)
    tracks, remarks = _chosen_tracks(score.tracks)
    score = replace(score, tracks=tracks)
    score = replace(score, key=score.key or key_of_notes(tracks), sections=score.sections or find_form(score))
    song = CorpusSong(song_id, score, split_of_digest(notes_digest(score)))
    return FolderSong(song, (*midi.warnings, *warnings, *remarks))


def _chosen_tracks(tracks: Sequence[Track]) -> tuple[tuple[Track, ...], list[str]]:
    """The tracks with the most notes in their order, drums behind the others; a remark names those left out."""
    sounding = [track for track in tracks if len(track.notes)]
    ranked = sorted(range(len(sounding)), key=lambda place: -len(sounding[place].notes))
    chosen = [sounding[place] for place in sorted(ranked[:MAX_TRACKS])]
    left_out = [sounding[place] for place in sorted(ranked[MAX_TRACKS:])]
    remarks = [f"track {track.name!r} with {len(track.notes)} notes is left out" for track in left_out]
    return tuple(sorted(chosen, key=lambda track: track.is_drum)), remarks
