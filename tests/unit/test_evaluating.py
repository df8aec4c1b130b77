"""Evaluations as users run them: which songs are taken, and what is said of those that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.evaluating import evaluate_reconstruction, evaluate_repetition
from support.networks import write_tiny_weights
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


def test_a_split_without_songs_is_refused(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path, 1)
    empty = next(split for split in ("train", "validation", "test") if f'"split": "{split}"' not in _songs(corpus))
    with pytest.raises(RequestError, match=f"no {empty} song"):
        evaluate_repetition(corpus, empty)


def _songs(corpus: Path) -> str:
    return (corpus / "songs.jsonl").read_text(encoding="utf-8")
