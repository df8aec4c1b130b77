from __future__ import annotations

import json
import math

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.evaluation.reconstruction import reconstruction_report
from phraseloom.score import Notes

BELOW_A_TICK = 0.4

note_rows = st.tuples(st.integers(0, 11), st.integers(1, 4), st.integers(60, 64), st.integers(1, 127))
phrases = st.lists(note_rows, max_size=8).map(Notes.from_rows)
phrase_pairs = st.lists(st.tuples(phrases, phrases), min_size=1, max_size=5)


def phrase(*rows: tuple[int, int, int, int]) -> Notes:
    return Notes.from_rows(rows)


def test_hand_worked_example():
    true = [
        phrase((0, 12, 60, 80), (12, 12, 62, 80), (24, 12, 64, 80)),
        phrase((0, 48, 36, 50)),
        Notes.empty(),
    ]
    decoded = [
        phrase((0, 12, 60, 90), (12, 6, 62, 80), (24, 12, 65, 80), (36, 12, 67, 80)),  # right; short; wrong; too many
        phrase((0, 48, 36, 54)),  # exact, but for the velocity
        Notes.empty(),
    ]
    report = reconstruction_report(true, decoded, ["melody", "piano", "melody"])

    total = report.total
    assert (total.notes.num_true, total.notes.num_decoded, total.notes.num_right) == (4, 5, 2)
    assert total.notes.precision == pytest.approx(2 / 5)
    assert total.notes.recall == pytest.approx(2 / 4)
    assert total.notes.f1 == pytest.approx(4 / 9)
    assert total.onset_pitch.num_right == 3
    assert total.exact_share == pytest.approx(2 / 3)
    assert report.velocity_mae == pytest.approx((10 + 4) / 2)

    assert list(report.by_track) == ["melody", "piano"]
    assert report.by_track["melody"].num_phrases == 2
    assert report.by_track["melody"].notes.f1 == pytest.approx(2 / 7)
    assert report.by_track["piano"].notes.f1 == 1.0
    assert list(report.by_num_notes) == ["0", "1-8"]
    assert report.by_num_notes["0"].exact_share == 1.0


@pytest.mark.parametrize(
    ("num_notes", "group"),
    [
        (0, "0"),
        (1, "1-8"),
        (8, "1-8"),
        (9, "9-16"),
        (16, "9-16"),
        (17, "17-32"),
        (32, "17-32"),
        (33, "33-64"),
        (65, "65+"),
    ],
)
def test_phrases_are_grouped_by_their_true_number_of_notes(num_notes: int, group: str):
    true = Notes.from_rows([(0, 1, pitch, 64) for pitch in range(num_notes)])
    report = reconstruction_report([true], [phrase((3, 1, 60, 64))], ["piano"])
    assert list(report.by_num_notes) == [group]


def test_phrases_are_not_mixed_up():
    """The right note in the wrong phrase is wrong."""
    note = phrase((0, 12, 60, 80))
    report = reconstruction_report([note, Notes.empty()], [Notes.empty(), note], ["piano", "piano"])
    assert report.total.onset_pitch.num_right == 0


def test_what_is_not_defined_is_nan_and_none_in_json():
    report = reconstruction_report([Notes.empty()], [Notes.empty()], ["piano"])
    assert math.isnan(report.total.notes.f1)
    assert math.isnan(report.velocity_mae)
    assert report.total.exact_share == 1.0
    figures = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert figures["total"]["notes"]["f1"] is None
    assert reconstruction_report([], [], []).total.num_phrases == 0


def test_table_has_a_line_a_group():
    note = phrase((0, 12, 60, 80))
    lines = reconstruction_report([note], [note], ["piano"]).text().splitlines()
    assert [line.split()[0] for line in lines] == ["phrases", "all", "piano", "1-8", "velocity:"]
    assert lines[1].split() == ["all", "1", "1.000", "1.000", "1.000"]


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="1 true and 0 decoded"):
        reconstruction_report([Notes.empty()], [], ["piano"])


@settings(max_examples=60, deadline=None)
@given(phrase_pairs)
def test_agrees_with_mir_eval(pairs: list[tuple[Notes, Notes]]):
    true, decoded = zip(*pairs, strict=True)
    report = reconstruction_report(true, decoded, ["piano"] * len(pairs))
    if min(report.total.notes.num_true, report.total.notes.num_decoded) == 0:
        return  # mir_eval says 0 where nothing is to be found
    strict, loose = _by_mir_eval(true, decoded, 0.0), _by_mir_eval(true, decoded, None)
    for ours, theirs in ((report.total.notes, strict), (report.total.onset_pitch, loose)):
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs)


@settings(max_examples=60, deadline=None)
@given(phrase_pairs)
def test_exchanging_the_sides_exchanges_precision_and_recall(pairs: list[tuple[Notes, Notes]]):
    true, decoded = zip(*pairs, strict=True)
    names = ["piano"] * len(pairs)
    there, back = reconstruction_report(true, decoded, names), reconstruction_report(decoded, true, names)
    assert there.total.notes.precision == pytest.approx(back.total.notes.recall, nan_ok=True)
    assert there.total.notes.f1 == pytest.approx(back.total.notes.f1, nan_ok=True)
    assert there.total.exact_share == back.total.exact_share
    assert there.velocity_mae == pytest.approx(back.velocity_mae, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(phrases, min_size=1, max_size=5))
def test_a_perfect_decoding_is_perfect(true: list[Notes]):
    report = reconstruction_report(true, true, [f"track {i % 2}" for i in range(len(true))])
    assert report.total.exact_share == 1.0
    assert report.total.notes.num_right == sum(map(len, true))
    assert sum(group.notes.num_right for group in report.by_track.values()) == report.total.notes.num_right
    assert sum(group.num_phrases for group in report.by_num_notes.values()) == len(true)


def _by_mir_eval(true: tuple[Notes, ...], decoded: tuple[Notes, ...], offset_ratio: float | None) -> tuple:
    reference, estimate = _in_hertz_and_seconds(true), _in_hertz_and_seconds(decoded)
    precision, recall, f1, _ = mir_eval.transcription.precision_recall_f1_overlap(
        *reference,
        *estimate,
        onset_tolerance=BELOW_A_TICK,
        pitch_tolerance=10.0,
        offset_ratio=offset_ratio,
        offset_min_tolerance=BELOW_A_TICK,
    )
    return precision, recall, f1


def _in_hertz_and_seconds(all_notes: tuple[Notes, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Phrases one after the other, a second a tick."""
    tables = [notes.table + np.array([100 * index, 0, 0, 0]) for index, notes in enumerate(all_notes)]
    onset, duration, pitch, _ = np.concatenate(tables).T
    return np.stack([onset, onset + duration], axis=1).astype(float), mir_eval.util.midi_to_hz(pitch.astype(float))
