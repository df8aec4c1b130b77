"""Evaluations as users run them: which songs are taken, and what is said of those that cannot be read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.evaluating import (
    SongsEvaluation,
    asked_of,
    evaluate_reconstruction,
    evaluate_repetition,
    evaluate_songs,
)
from phraseloom.midi import write_midi
from phraseloom.plan import SongPlan
from phraseloom.plan_table import plan_table_toml
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
    with pytest.raises(RequestError, match=r"thin\.mid has 2 tracks, the songs of the reference have 3"):
        evaluate_songs(SongsEvaluation(tmp_path / "songs", corpus), lambda doing, share: None)


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus of made-up songs, some in every split."""
    places = {"test": range(4), "validation": range(4, 8), "train": range(8, 14)}
    monkeypatch.setattr(
        "phraseloom.evaluating._songs_of_corpus",
        lambda corpus, split: [make_song(seed, form="A8 B8 A8") for seed in places[split]],
    )


def test_songs_are_judged_by_their_plans(tmp_path: Path, splits: None) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    plans = {}
    for seed in range(20, 23):
        score = make_song(seed, form="A8 B8 A8")
        bare = replace(score, sections=(), chords=(), key=None)  # as any other system would write it
        write_midi(bare, folder / f"{seed}.mid")
        plans[f"{seed}.mid"] = SongPlan(form=score.sections if seed > 20 else "A8 B8 A8 o2", chords="C G Am F")
    (tmp_path / "plans.toml").write_text(plan_table_toml(plans), encoding="utf-8")
    weights, page = write_tiny_weights(tmp_path / "weights"), tmp_path / "report.html"
    asked = SongsEvaluation(folder, tmp_path, plans=tmp_path / "plans.toml", checkpoint=weights, html=page)
    report = evaluate_songs(asked, lambda doing, share: None)
    met = report.generated.plans
    assert met is not None
    assert met.bars_met.mean == pytest.approx(2 / 3)
    assert met.bars_off.mean == pytest.approx(2 / 3)
    assert report.generated.repetition.homologous.mean == 1
    assert report.generated.chords.asked.num_songs == 3
    assert report.latents is not None
    assert report.latents.num_songs == 3
    assert "20.mid" in page.read_text(encoding="utf-8")
    assert "Plan: asked and got" in report.text()


def test_a_song_without_a_plan_among_plans_is_named(tmp_path: Path, splits: None) -> None:
    folder = write_midi_folder(tmp_path / "songs", 2)
    (tmp_path / "plans.toml").write_text('["song-0.mid"]\nnum_bars = 20\n', encoding="utf-8")
    asked = SongsEvaluation(folder, tmp_path, plans=tmp_path / "plans.toml")
    with pytest.raises(RequestError, match=r"no plan for song-1\.mid"):
        evaluate_songs(asked, lambda doing, share: None)


def test_a_page_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    asked = SongsEvaluation(tmp_path, tmp_path, html=tmp_path / "nowhere" / "page.html")
    with pytest.raises(RequestError, match="no folder"):
        evaluate_songs(asked, lambda doing, share: None)


def test_that_scikit_learn_lacks_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(RequestError, match=r"phraseloom\[evaluate\]"):
        evaluate_songs(SongsEvaluation(tmp_path / "nowhere", tmp_path), lambda doing, share: None)


def test_a_plan_lays_its_chords_and_players_over_its_form() -> None:
    asked = asked_of(SongPlan(form="i2 A2", chords="A: C G", tracks="A: melody"), ["MELODY", "PIANO"])
    assert asked.num_bars == 4
    assert [span.onset_ticks for span in asked.chords] == [96, 144]
    np.testing.assert_array_equal(asked.plays, [[np.nan, np.nan]] * 2 + [[1, 0]] * 2)
    by_bars = asked_of(SongPlan(num_bars=2, chords="C G"), ["MELODY"])
    assert (by_bars.form, len(by_bars.chords)) == (None, 2)


def test_no_torch_is_loaded_where_no_weights_are_asked_for() -> None:
    code = "import phraseloom.evaluating, sys; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "False"


def test_a_split_without_songs_is_refused(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path, 1)
    empty = next(split for split in ("train", "validation", "test") if f'"split": "{split}"' not in _songs(corpus))
    with pytest.raises(RequestError, match=f"no {empty} song"):
        evaluate_repetition(corpus, empty)


def _songs(corpus: Path) -> str:
    return (corpus / "songs.jsonl").read_text(encoding="utf-8")
