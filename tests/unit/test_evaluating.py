"""Evaluations as users run them: which songs are taken, and what is said of those that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.evaluating import evaluate_reconstruction, evaluate_repetition, evaluate_songs
from phraseloom.midi import write_midi
from support.networks import write_tiny_weights
from support.songs import make_song
from support.training import make_corpus, write_midi_folder


def test_a_folder_counts_as_its_songs(tmp_path: Path) -> None:
    folder = write_midi_folder(tmp_path / "songs", 2)
    assert evaluate_repetition(folder, "test").repeated_bars.num_songs == 2
    assert evaluate_repetition(folder / "song-0.mid", "test").repeated_bars.num_songs == 1


def test_of_many_files_the_unreadable_one_is_named(tmp_path: Path) -> None:
    folder = write_midi_folder(tmp_path / "songs", 2)
    (folder / "broken.mid").write_bytes(b"no MIDI")
    with pytest.raises(UnreadableFileError, match=r"broken\.mid: this is not a MIDI file"):
        evaluate_repetition(folder, "test")


def test_the_phrases_of_a_corpus_are_decoded_and_compared(tmp_path: Path) -> None:
    corpus, told = make_corpus(tmp_path, 1), []
    split = next(split for split in ("train", "validation", "test") if f'"split": "{split}"' in _songs(corpus))
    report = evaluate_reconstruction(
        corpus, split, 0.0, write_tiny_weights(tmp_path / "weights"), lambda doing, share: told.append(share)
    )
    assert told == [0.0]
    assert "f1" in report.text().lower()


def test_songs_with_too_few_tracks_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = make_corpus(tmp_path, 1)
    monkeypatch.setattr("phraseloom.evaluating._songs_of_corpus", lambda corpus, split: [make_song(1)])
    (tmp_path / "songs").mkdir()
    write_midi(make_song(2, num_tracks=2), tmp_path / "songs" / "thin.mid")
    with pytest.raises(RequestError, match=r"thin\.mid has 2 tracks, the songs of .* have 3"):
        evaluate_songs(tmp_path / "songs", corpus, "test", lambda doing, share: None)


def test_a_split_without_songs_is_refused(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path, 1)
    empty = next(split for split in ("train", "validation", "test") if f'"split": "{split}"' not in _songs(corpus))
    with pytest.raises(RequestError, match=f"no {empty} song"):
        evaluate_repetition(corpus, empty)


def _songs(corpus: Path) -> str:
    return (corpus / "songs.jsonl").read_text(encoding="utf-8")
