"""Chords proposed for sections that were given none."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from phraseloom.chord_chart import parse_chart
from phraseloom.chord_prior import ChordPrior
from phraseloom.form import parse_form
from phraseloom.harmony import Key
from phraseloom.score import Notes, Score, Track
from phraseloom.transforms import transpose
from support.songs import make_song

FORM = parse_form("A8 B4")


def song_with(chart: str, key: Key) -> Score:
    """A silent song of the form `A8 B4` in this key with these chords, which are given in C major or A minor."""
    in_c = Key(0 if key.mode == "major" else 9, key.mode)
    score = Score((Track("P", Notes.empty()),), 12, sections=FORM, chords=parse_chart(chart).spans(FORM), key=in_c)
    return transpose(score, key.tonic - in_c.tonic)


@pytest.fixture
def prior() -> ChordPrior:
    """Two songs share both progressions of A; each has one of its own in B."""
    return ChordPrior.fit(
        [
            song_with("A: C Am F G Em Em7 F G/B; B: C C C D", Key(0, "major")),
            song_with("A: C Am7 F G7 Em Em F G; B: C C C E", Key(7, "major")),
            song_with("A: Am Dm E Am Am F G Am; B: Am Am Am Am", Key(2, "minor")),
        ]
    )


def test_only_progressions_that_songs_share_are_kept_as_triads_in_c(prior: ChordPrior) -> None:
    shared = {parse_chart(text).parts[0].bars: counts for text, counts in (("C Am F G", (2, 0)), ("Em Em F G", (0, 2)))}
    assert prior.progressions["major"] == shared
    assert prior.progressions.get("minor", {}) == {}


def test_what_begins_sections_begins_them(prior: ChordPrior) -> None:
    for seed in range(10):
        chart = prior.propose(parse_form("i4 A8 i4 B10 A4"), "major", np.random.default_rng(seed))
        assert chart is not None
        assert str(chart) == "i: C Am F G; A: C Am F G Em Em F G; B: C Am F G Em Em F G Em Em"


def test_triads_are_played_as_songs_play_them_before_the_same_root() -> None:
    """In all songs G goes to C over its third and to F with a seventh. Am9, which one song alone has, is left out."""
    charts = 10 * ["A: G/B C G7 F G/B C G7 F; B: Am Am Am Am"] + ["A: G/B C G7 F G/B C G7 F; B: Am9 Am9 Am Am"]
    prior = ChordPrior.fit(song_with(chart, Key(0, "major")) for chart in charts)
    charts = [prior.propose(parse_form("A4 A4"), "major", np.random.default_rng(seed)) for seed in range(20)]
    assert set(map(str, charts)) == {"A: G/B C G7 F", "A: Am Am Am Am"}


def ending_roots(prior: ChordPrior, form: str) -> set[int | None]:
    """Of the last chords that are proposed with twenty seeds."""
    charts = [prior.propose(parse_form(form), "major", np.random.default_rng(seed)) for seed in range(20)]
    return {chart.spans(parse_form(form))[-1].chord.root for chart in charts if chart is not None}


def test_a_last_section_ends_on_the_root_on_which_most_songs_end() -> None:
    charts = 3 * ["A: C Am F G C F G C; B: F G C C"]
    prior = ChordPrior.fit(song_with(chart, Key(2, "major")) for chart in charts)
    assert prior.endings == {"major": {0: 3}}
    assert ending_roots(prior, "A8 B4") == {0}
    free = replace(prior, endings={})
    assert ending_roots(free, "A8 B4") == ending_roots(prior, "B4 A8 B4") == {0, 7}, "what returns ends nowhere else"
    assert ending_roots(prior, "A8 o2") <= {7, 9}, "where nothing ends there after two bars, it is drawn as ever"
    same = [str(each.propose(parse_form("A8 B4"), "major", np.random.default_rng(3))) for each in (prior, free)]
    assert same[0].split(";")[0] == same[1].split(";")[0]


def test_one_chord_lasts_as_long_as_its_triad_in_a_bar(prior: ChordPrior) -> None:
    played = replace(prior, colours={"major": {("C", None): {"Cmaj7": 1, "C/E": 1}}})
    chart = replace(played, progressions={"major": {parse_chart("C . F G | N.C.").parts[0].bars[:1]: (1, 1)}}).propose(
        parse_form("A8"), "major", np.random.default_rng(0)
    )
    assert chart is not None
    assert {" ".join(map(str, bar)) for bar in chart.parts[0].bars} == {"Cmaj7 Cmaj7 F G", "C/E C/E F G"}


def test_what_was_seldom_seen_before_a_root_is_played_as_before_any(prior: ChordPrior) -> None:
    seldom = {("Am", 5): {"Am7": 19}, ("Am", None): {"Am/C": 1}, ("F", 7): {"Fmaj7": 20}, ("F", None): {"F6": 1}}
    chart = replace(prior, colours={"major": seldom}).propose(parse_form("A4"), "major", np.random.default_rng(0))
    assert str(chart) == "A: C Am/C Fmaj7 G"


def test_no_chords_are_proposed_in_an_unknown_mode(prior: ChordPrior) -> None:
    assert prior.propose(FORM, "minor", np.random.default_rng(0)) is None
    assert ChordPrior.fit([]).propose(FORM, "major", np.random.default_rng(0)) is None


def test_songs_without_chords_key_or_form_teach_nothing() -> None:
    song = make_song(1)
    silent = [replace(song, chords=()), replace(song, key=None), replace(song, sections=())]
    assert not any(
        ChordPrior.fit(2 * [score]).progressions.get(mode) for score in silent for mode in ("major", "minor")
    )


def test_later_progressions_follow_on_roots_that_follow_each_other() -> None:
    """G goes on to C in these songs and never to F sharp, so what begins on F sharp does not follow what ends on G."""
    to_c, from_f = "A: C Am F G C F G C; B: C C C C", "A: F F F F F# B F# B; B: C C C C"
    prior = ChordPrior.fit(song_with(chart, Key(tonic, "major")) for chart in (to_c, from_f) for tonic in (0, 5))
    drawn = {str(prior.propose(parse_form("A8"), "major", np.random.default_rng(seed))) for seed in range(60)}
    assert "A: C Am F G C F G C" in drawn
    assert "A: C Am F G F# B F# B" not in drawn


def test_the_same_seed_proposes_the_same(prior: ChordPrior) -> None:
    first, second = (prior.propose(FORM, "major", np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_a_prior_travels_as_json(prior: ChordPrior) -> None:
    assert ChordPrior.from_dict(json.loads(json.dumps(prior.to_dict()))) == prior
