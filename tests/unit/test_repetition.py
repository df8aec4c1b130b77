from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.evaluation.bootstrap import bootstrap_mean
from phraseloom.evaluation.repetition import (
    best_distant_match,
    exact_repeats,
    homologous_similarity,
    repetition_report,
    section_recurrence_score,
    summarise_repetition,
)
from phraseloom.form import parse_form
from phraseloom.score import MeterChange, Notes, Score, Track
from phraseloom.similarity import note_set_jaccard

BAR = 48

bar_contents = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(60, 62)).map(lambda n: (12 * n[0], 12 * n[1], n[2])),
    max_size=4,
)
songs = st.lists(st.lists(bar_contents, min_size=2, max_size=2), min_size=1, max_size=9)


def song(*tracks: list[list[tuple[int, int, int]]], form: str = "") -> Score:
    """A song of `tracks[track][bar]` with (onset in bar, duration, pitch) rows."""
    lines = [
        Track(
            f"track {index}",
            Notes.from_rows(
                (BAR * bar + on, length, pitch, 64) for bar, rows in enumerate(bars) for on, length, pitch in rows
            ),
        )
        for index, bars in enumerate(tracks)
    ]
    return Score(tuple(lines), len(tracks[0]), sections=parse_form(form) if form else ())


def score_of(bars: list[list[list[tuple[int, int, int]]]], form: str = "") -> Score:
    return song(*(list(track) for track in zip(*bars, strict=True)), form=form)


C, D, E, F = ([(0, 12, pitch)] for pitch in (60, 62, 64, 65))


def test_note_set_jaccard_by_hand():
    melody = [[(0, 12, 60), (12, 12, 62)], [(0, 24, 60), (12, 12, 64)], []]
    piano = [[(0, 48, 48)], [(0, 48, 48)], [(0, 48, 60)]]
    # Bars 0 and 1 share C and the piano's C of 2 x 3 notes; the melody's C is not the piano's. Durations do not count.
    expected = [[1, 2 / 4, 0], [2 / 4, 1, 0], [0, 0, 1]]
    np.testing.assert_allclose(note_set_jaccard(song(melody, piano)), expected)


def test_two_silent_bars_have_no_similarity():
    similarity = note_set_jaccard(song([[], C, []]))
    np.testing.assert_array_equal(
        np.isnan(similarity), [[True, False, True], [False, False, False], [True, False, True]]
    )
    assert np.isnan(note_set_jaccard(Score((), 2))).all()


def test_onsets_count_from_the_bar_line_in_every_meter():
    score = Score(
        (Track("melody", Notes.from_rows([(12, 12, 60, 64), (36 + 12, 12, 60, 64)])),),
        2,
        meters=(MeterChange(0, 3, 4), MeterChange(1, 4, 4)),
    )
    assert note_set_jaccard(score)[0, 1] == 1.0


@settings(max_examples=50, deadline=None)
@given(songs)
def test_similarity_is_symmetric_and_agrees_with_sets(bars):
    score = score_of(bars)
    similarity = note_set_jaccard(score)
    np.testing.assert_array_equal(similarity, similarity.T)
    sets = [{(track, onset, pitch) for track, rows in enumerate(bar) for onset, _, pitch in rows} for bar in bars]
    for i, first in enumerate(sets):
        for j, second in enumerate(sets):
            if first | second:
                assert similarity[i, j] == pytest.approx(len(first & second) / len(first | second))
            else:
                assert math.isnan(similarity[i, j])


def test_homologous_similarity_by_hand():
    # A2 B1 A2: homologous pairs (0, 3) the same, (1, 4) different; bar 2 of B equals bar 0 and 3, not 1 and 4.
    result = homologous_similarity(song([C, D, C, C, E], form="A2 B1 A2"))
    assert (result.homologous, result.num_homologous_pairs) == (0.5, 2)
    assert (result.different_sections, result.num_different_pairs) == (0.5, 4)


def test_homologous_bars_of_sections_of_different_length():
    result = homologous_similarity(song([C, D, E, C, D], form="A3 A2"))
    assert (result.homologous, result.num_homologous_pairs) == (1.0, 2)
    assert math.isnan(result.different_sections)


def test_homologous_similarity_needs_a_form():
    with pytest.raises(ValueError, match="no sections"):
        homologous_similarity(song([C]))


def test_exact_repeats_by_hand():
    longer_d = [(0, 24, 62)]
    score = song([C, D, C, longer_d, [], []], [F, F, F, F, F, []])
    # Bars: CF, DF, CF (repeat), D'F (another duration), F alone, silence: 1 of 5 sounding bars.
    assert exact_repeats(score) == pytest.approx(1 / 5)
    assert exact_repeats(score, score.tracks[0].notes) == pytest.approx(1 / 4)
    assert exact_repeats(score, score.tracks[1].notes) == pytest.approx(4 / 5)


def test_the_same_note_in_another_track_is_no_repeat():
    assert exact_repeats(song([C, []], [[], C])) == 0.0


def test_exact_repeats_of_silence():
    assert math.isnan(exact_repeats(song([[], []])))
    assert math.isnan(exact_repeats(Score((), 2)))


def test_best_distant_match_by_hand():
    # Four bars away or more: bar 0 with 4 and 5, bar 1 with 5, and back; bars 2 and 3 have no partner.
    score = song([[*C, (12, 12, 67)], D, C, C, C, D])
    assert best_distant_match(note_set_jaccard(score)) == pytest.approx((0.5 + 1 + 0.5 + 1) / 4)
    assert math.isnan(best_distant_match(note_set_jaccard(song([C, C, C, C]))))


def test_best_distant_match_leaves_silent_bars_out():
    assert best_distant_match(note_set_jaccard(song([C, C, C, C, C, []]))) == 1.0


def test_section_recurrence_score_by_hand():
    similarity = np.eye(10)
    diagonal = np.arange(4)
    similarity[diagonal, diagonal + 5] = similarity[diagonal + 5, diagonal] = 0.9
    assert section_recurrence_score(similarity) == pytest.approx(4 / 10)
    assert section_recurrence_score(similarity, threshold=0.95) == 0.0
    assert section_recurrence_score(similarity, min_run_bars=5) == 0.0


def test_section_recurrence_score_does_not_count_a_bright_block():
    similarity = np.eye(10)
    diagonal = np.arange(4)
    similarity[diagonal, diagonal + 5] = 0.9
    similarity[3, 3 + 6] = 0.7  # on the next diagonal, within the same rows
    assert section_recurrence_score(similarity) == 0.0
    similarity[3, 3 + 6] = 0.4  # not bright
    assert section_recurrence_score(similarity) == pytest.approx(4 / 10)


def test_section_recurrence_score_of_an_exact_second_half():
    halves = np.tile(np.eye(8), (2, 2))
    assert section_recurrence_score(halves) == pytest.approx(8 / 16)


def test_section_recurrence_score_treats_nan_as_dark_and_refuses_other_shapes():
    assert section_recurrence_score(np.full((8, 8), np.nan)) == 0.0
    with pytest.raises(ValueError, match="square"):
        section_recurrence_score(np.zeros((4, 5)))


def test_report_of_a_song_and_its_dictionary():
    report = repetition_report(song([C, D, C, D], [C, C, C, C], form="A2 A2"))
    assert report.homologous == 1.0
    assert report.repeated_bars == 0.5
    assert report.repeated_cells == {"track 0": 0.5, "track 1": 0.75}
    figures = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert figures["different_sections"] is None
    assert figures["best_distant_match"] is None


def test_tracks_of_one_name_are_kept_apart():
    track = Track("piano", Notes.from_rows([(0, 12, 60, 64)]))
    assert list(repetition_report(Score((track, track, track), 1)).repeated_cells) == ["piano", "piano 2", "piano 3"]


def test_a_song_without_a_form_has_no_homologous_bars():
    assert math.isnan(repetition_report(song([C, C])).homologous)


def test_summary_gives_every_song_the_same_weight():
    with_form = repetition_report(song([C, C, D, D], form="A1 A1 B1 B1"))
    without = repetition_report(song([C, D, E, F]))
    summary = summarise_repetition([with_form, without])
    assert (summary.homologous.mean, summary.homologous.num_songs) == (1.0, 1)
    assert (summary.repeated_bars.mean, summary.repeated_bars.num_songs) == (0.25, 2)
    assert summary.best_distant_match.num_songs == 0
    assert json.dumps(summary.to_dict(), allow_nan=False)
    assert summary.text().splitlines()[0].split() == [
        "homologous",
        "bars,",
        "Jaccard",
        "1.000",
        "[1.000,",
        "1.000]",
        "(1",
        "songs)",
    ]


def test_bootstrap_interval_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(5.0, 2.0, 400)
    estimate = bootstrap_mean(values)
    half_width = 1.96 * values.std() / math.sqrt(400)
    assert estimate.low == pytest.approx(values.mean() - half_width, abs=0.03)
    assert estimate.high == pytest.approx(values.mean() + half_width, abs=0.03)
    assert estimate == bootstrap_mean(values)


@settings(max_examples=50, deadline=None)
@given(songs)
def test_every_figure_is_a_share_or_undefined(bars):
    report = repetition_report(score_of(bars, form=f"A{len(bars)}"))
    figures = [report.repeated_bars, report.best_distant_match, *report.repeated_cells.values()]
    assert all(math.isnan(figure) or 0.0 <= figure <= 1.0 for figure in figures)


def test_a_song_of_128_bars_is_measured_in_no_time():
    rng = np.random.default_rng(0)
    tracks = [
        [[(int(on), 3, int(rng.integers(40, 90))) for on in range(0, 48, 4)] for _ in range(128)] for _ in range(3)
    ]
    score = song(*tracks, form="A64 A64")
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        repetition_report(score)
        section_recurrence_score(note_set_jaccard(score))
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.05
