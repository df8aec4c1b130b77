from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.form import format_form, num_bars_of, parse_form
from phraseloom.score import MeterChange, Notes, Score, Track
from phraseloom.structure import bar_similarity, find_form, find_melody

BAR = 48
BEATS = (0, 12, 24, 36)


def song_of_form(form: str, seed: int = 0, *, melody_name: str = "Melody") -> Score:
    """A song with its own melody and chords for every letter of `form`, repeated exactly where the letter returns."""
    rng = np.random.default_rng(seed)
    melody, piano = [], []
    ideas: dict[str, tuple[list, list]] = {}
    start = 0
    for section in parse_form(form):
        if section.letter not in ideas:
            ideas[section.letter] = (_melody(rng, section.num_bars), _chords(rng, section.num_bars))
        tune, chords = ideas[section.letter]
        if section.has_vocals:
            melody += [(start + onset, *rest) for onset, *rest in tune]
        piano += [(start + onset, *rest) for onset, *rest in chords]
        start += BAR * section.num_bars
    tracks = (Track("Piano", Notes.from_rows(piano)), Track(melody_name, Notes.from_rows(melody)))
    return Score(tracks, start // BAR)


def _melody(rng: np.random.Generator, num_bars: int) -> list[tuple[int, int, int, int]]:
    onsets = [BAR * bar + onset for bar in range(num_bars) for onset in sorted(rng.choice(16, 6, replace=False) * 3)]
    return [(int(onset), 3, int(rng.integers(60, 80)), 90) for onset in onsets]


def _chords(rng: np.random.Generator, num_bars: int) -> list[tuple[int, int, int, int]]:
    roots = rng.integers(40, 52, num_bars)
    return [
        (BAR * bar + beat, 12, int(root + step), 60)
        for bar, root in enumerate(roots)
        for beat in BEATS
        for step in (0, 4, 7)
    ]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "form",
    ["i4 A8 A8 B8 o4", "i4 A8 B8 A8 B8 o4", "A8 B8 C8 A8 B8", "i8 A8 B4 B4 b4 A8 B4 B4 o8", "i4 A8 B8 b8 A8 B8 B8 o2"],
)
def test_finds_the_form_of_a_clear_song(form: str, seed: int):
    assert format_form(find_form(song_of_form(form, seed))) == form


def test_labels_of_the_score_are_not_looked_at():
    score = song_of_form("i4 A8 A8 B8 o4")
    labelled = Score(score.tracks, score.num_bars, sections=parse_form("X32"))
    assert find_form(labelled) == find_form(score)


def test_a_pick_up_belongs_to_the_intro():
    score = song_of_form("i4 A8 A8 B8 o4")
    piano, melody = score.tracks
    pick_up = Notes.from_rows([(4 * BAR - 6, 6, 70, 90), *melody.notes.table.tolist()])
    with_pick_up = Score((piano, Track("Melody", pick_up)), score.num_bars)
    assert format_form(find_form(with_pick_up)) == "i4 A8 A8 B8 o4"


def test_a_song_of_drums_alone_has_small_letters_and_no_intro():
    """Intro and outro are what comes before and after the melody; here is none."""
    rng = np.random.default_rng(0)
    halves = [
        [(BAR * bar + 3 * int(step), 3, 38, 64) for bar in range(8) for step in rng.integers(0, 16, 5)] for _ in "bc"
    ]
    rows = [(onset + 8 * BAR * place, *rest) for place, half in enumerate((0, 1, 0)) for onset, *rest in halves[half]]
    score = Score((Track("kit", Notes.from_rows(rows), is_drum=True),), 24)
    assert format_form(find_form(score)) == "b8 c8 b8"


@pytest.mark.parametrize(
    "score",
    [
        Score((), 1),
        Score((Track("piano", Notes.from_rows([(0, 12, 60, 64)])),), 1),
        Score((Track("drums", Notes.from_rows([(0, 12, 38, 64)]), is_drum=True),), 3),
        Score((Track("piano", Notes.empty()),), 40),
        Score(
            (Track("waltz", Notes.from_rows([(36 * bar, 12, 60 + bar % 4, 64) for bar in range(10)])),),
            10,
            meters=(MeterChange(0, 3, 4), MeterChange(5, 4, 4)),
        ),
    ],
    ids=["no tracks", "one bar", "drums only", "silence", "change of meter"],
)
def test_odd_songs_have_a_form(score: Score):
    assert num_bars_of(find_form(score)) == score.num_bars


def test_more_ideas_than_letters():
    score = song_of_form(" ".join(f"{letter}8" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    again = song_of_form(" ".join(f"{letter}8" for letter in "ABCDEFGHIJ"), seed=1)
    tracks = tuple(
        Track(first.name, Notes.build(*np.concatenate([first.notes.table, second.notes.shifted(208 * BAR).table]).T))
        for first, second in zip(score.tracks, again.tracks, strict=True)
    )
    form = find_form(Score(tracks, 288))
    assert num_bars_of(form) == 288
    assert len({section.letter for section in form}) == 26


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20 * 48 - 1), st.integers(1, 96), st.integers(30, 90))), st.integers(20, 30))
def test_sections_add_up_and_are_the_same_again(rows: list[tuple[int, int, int]], num_bars: int):
    score = Score((Track("piano", Notes.from_rows((*row, 64) for row in rows)),), num_bars)
    form = find_form(score)
    assert num_bars_of(form) == num_bars
    assert form == find_form(score)


@pytest.mark.parametrize("seed", range(2))
def test_the_key_of_a_song_does_not_matter(seed: int):
    score = song_of_form("i4 A8 B8 A8 B8 o4", seed)
    higher = Score(tuple(Track(t.name, t.notes.transposed(3)) for t in score.tracks), score.num_bars)
    assert find_form(higher) == find_form(score)


def test_bar_similarity_is_symmetric_and_1_for_the_same_bar():
    score = song_of_form("A4 B4 A4")
    similarity = bar_similarity(score, score.tracks[1].notes)
    np.testing.assert_allclose(similarity, similarity.T)
    np.testing.assert_allclose(np.diagonal(similarity), 1.0)
    np.testing.assert_allclose(np.diagonal(similarity, 8), 1.0)
    assert similarity.min() >= 0.0


def test_melody_is_found_by_name_and_by_nature():
    tune = Notes.from_rows([(0, 12, 72, 64), (12, 12, 74, 64), (60, 12, 74, 64)])
    short_tune = Notes.from_rows([(0, 12, 72, 64)])
    chords = Notes.from_rows([(0, 12, 60, 64), (0, 12, 64, 64), (48, 12, 64, 64)])
    bass = Notes.from_rows([(tick, 12, 36, 64) for tick in range(0, 96, 12)])
    drums = Track("kit", Notes.from_rows([(0, 12, 60, 64)]), is_drum=True)

    by_nature = [Track("a", chords), Track("b", short_tune), Track("c", bass), Track("d", tune), drums]
    assert find_melody(Score(tuple(by_nature), 2)).name == "d"
    by_name = [Track("a", tune), Track("Lead Vocal", chords)]
    assert find_melody(Score(tuple(by_name), 2)).name == "Lead Vocal"
    assert find_melody(Score((Track("Bass", bass),), 2)).name == "Bass"
    assert find_melody(Score((drums, Track("melody", Notes.empty())), 2)) is None


def test_a_song_of_128_bars_takes_no_time():
    score = song_of_form("i8 A8 A8 B8 B8 b8 A8 A8 B8 B8 C8 b8 B8 B8 B8 o8")
    assert score.num_bars == 128
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        find_form(score)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.3
