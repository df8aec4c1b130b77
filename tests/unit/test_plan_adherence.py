"""Asked and got, with songs of a few bars worked out by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from phraseloom.evaluation.chord_agreement import chord_agreement
from phraseloom.evaluation.plan_adherence import (
    AskedSong,
    as_asked,
    plan_adherence,
    summarise_plan_adherence,
)
from phraseloom.form import format_form, parse_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.score import ChordSpan, Notes, Score, Track
from support.songs import make_song

BAR = 48
C_MAJOR, A_MINOR = Key(0), Key(9, "minor")


def song(*tracks: str) -> Score:
    """A note in every bar of a track that is not `-`; letters are pitches."""
    pitches = dict(zip("cdefgab", (60, 62, 64, 65, 67, 69, 71), strict=True))
    return Score(
        tuple(
            Track(
                str(number), Notes.from_rows((BAR * bar, BAR, pitches[x], 64) for bar, x in enumerate(row) if x != "-")
            )
            for number, row in enumerate(tracks)
        ),
        len(tracks[0]),
    )


def test_every_part_of_a_plan_by_hand():
    plays = np.array([[1.0, 0.0], [1.0, 0.0], [np.nan, 1.0], [np.nan, 1.0]])
    asked = AskedSong(4, parse_form("A2 B2"), C_MAJOR, plays=plays)
    met = plan_adherence(song("cc--e", "--g-g"), asked, parse_form("A2 B3"), A_MINOR)
    assert (met.bars_met, met.bars_off, met.key_met) == (0, 1, 0)
    assert met.boundary_f1 == 1
    # Pairs AA and BB asked, both found in the four bars that both forms have.
    assert met.pairwise_f1 == 1
    # Of six cells that were not left open, only the last, track 2 in bar 4, is wrong.
    assert met.cells_met == pytest.approx(5 / 6)


def test_what_was_not_asked_is_not_judged():
    met = plan_adherence(song("cdef"), AskedSong(), parse_form("A4"), C_MAJOR)
    assert all(value is None for value in met.to_dict().values())
    assert json.dumps(met.to_dict())


def test_a_song_that_meets_its_plan():
    score = make_song(3)
    met = plan_adherence(score, AskedSong(score.num_bars, score.sections, score.key), score.sections, score.key)
    assert (met.bars_met, met.bars_off, met.boundary_f1, met.pairwise_f1, met.key_met) == (1, 0, 1, 1, 1)


@pytest.mark.parametrize(
    ("asked", "judged"), [("A2 B2", "A2 B2"), ("A2 B1", "A2 B1"), ("A3 B3", "A3 B1"), ("A2 B2 C4", "A2 B2")]
)
def test_a_song_of_another_length_is_judged_where_it_meets_the_plan(asked: str, judged: str):
    score = as_asked(song("cdef", "cdef"), AskedSong(form=parse_form(asked)))
    assert format_form(score.sections) == judged
    assert score.num_bars == sum(section.num_bars for section in score.sections)


def test_chords_asked_take_the_place_of_the_songs_own():
    c, f = parse_chord("C"), parse_chord("F")
    asked = AskedSong(chords=(ChordSpan(0, 2 * BAR, c), ChordSpan(2 * BAR, 9 * BAR, f)))
    score = as_asked(song("ceff"), asked)
    assert [span.duration_ticks for span in score.chords] == [2 * BAR, 2 * BAR]
    agreement = chord_agreement(score)
    # Bars 1, 3 and 4 have C and F of C, F and F; E in bar 2 is in C; C is in F too, E and F are in one chord only.
    assert agreement.asked == 1
    assert agreement.wrong == pytest.approx(1 / 4)


def test_a_summary_leaves_out_songs_that_were_not_asked():
    plan = AskedSong(4)
    reports = [
        plan_adherence(song("cdef"), plan, (), None),
        plan_adherence(song("cdefg"), plan, (), None),
        plan_adherence(song("c"), AskedSong(), (), None),
    ]
    summary = summarise_plan_adherence(reports)
    assert summary.bars_met.mean == 0.5
    assert summary.bars_off.num_songs == 2
    assert math.isnan(summary.key_met.mean)
