"""Generated songs beside real ones: every figure in its place."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from phraseloom.evaluation.comparison import ComparisonReport, JudgedSong, compare_songs
from phraseloom.score import Notes, Score
from support.songs import make_song

FORM = "A8 B8 A8 C8"


def scrambled(score: Score, seed: int) -> Score:
    """The song with every pitch drawn anew."""
    rng = np.random.default_rng(seed)
    tracks = []
    for track in score.tracks:
        notes = track.notes
        pitch = rng.integers(30, 90, len(notes))
        notes = Notes.build(notes.onset_ticks, np.ones(len(notes), int), pitch, notes.velocity)
        tracks.append(replace(track, notes=notes))
    return replace(score, tracks=tuple(tracks))


def judged(scores: list[Score]) -> list[JudgedSong]:
    return [JudgedSong(str(number), score) for number, score in enumerate(scores)]


@pytest.fixture(scope="module")
def songs() -> list[Score]:
    return [make_song(seed, form=FORM) for seed in range(42)]


@pytest.fixture(scope="module")
def report(songs: list[Score]) -> ComparisonReport:
    generated = judged([scrambled(song, seed) for seed, song in enumerate(songs[:12])])
    return compare_songs(generated, judged(songs[12:24]), songs[24:36], songs[36:], lambda doing, share: None)


def test_scrambled_songs_are_found_out_where_real_ones_are_not(report: ComparisonReport) -> None:
    assert report.told_apart.auc.mean > 0.95
    assert report.real_told_apart.auc.mean < report.told_apart.auc.mean
    assert report.kernel_distance.squared_mmd > report.real_kernel_distance.squared_mmd


def test_each_set_is_described_by_its_own_songs(report: ComparisonReport) -> None:
    assert report.real.repetition.homologous.mean == 1
    assert report.generated.repetition.homologous.mean < 0.2
    assert report.real.chords.asked.mean > report.generated.chords.asked.mean


def test_a_training_song_handed_in_is_called_a_copy(songs: list[Score]) -> None:
    sets = judged(songs[36:]), judged(songs[12:16]), songs[24:28], songs[36:]
    report = compare_songs(*sets, lambda doing, share: None)
    assert report.originality.highest_similarity.first.mean == 1
    assert report.originality.highest_similarity.second.mean < 1


def test_a_report_is_text_and_json(report: ComparisonReport) -> None:
    content = json.loads(json.dumps(report.to_dict()))
    assert content["told_apart"]["auc"]["mean"] == pytest.approx(report.told_apart.auc.mean)
    text = report.text()
    for part in ("section recurrence", "AUC", "kernel distance", "nearest training song"):
        assert part in text
    assert [song["name"] for song in content["generated"]["songs"]] == [str(number) for number in range(12)]


def test_rows_hold_generated_beside_real(report: ComparisonReport) -> None:
    rows = {(row.group, row.label): row for row in report.rows()}
    homologous = rows["Form, on notes", "homologous bars, Jaccard"]
    assert homologous.ratio == pytest.approx(report.generated.repetition.homologous.mean)
    apart = rows["Closeness to real music", "8-bar windows told from real ones, AUC"]
    assert (apart.generated, apart.real) == (report.told_apart.auc, report.real_told_apart.auc)
    assert math.isnan(apart.ratio)
    assert not any(group.startswith("Plan") for group, _ in rows)
    assert not any("latents" in label for _, label in rows)


def test_distributions_have_a_value_a_song(report: ComparisonReport) -> None:
    by_label = {each.label: each for each in report.distributions()}
    recurrence = by_label["Section recurrence score"]
    assert len(recurrence.generated) == len(recurrence.real) == 12
    assert np.mean(recurrence.real) == pytest.approx(report.real.repetition.section_recurrence.mean)
