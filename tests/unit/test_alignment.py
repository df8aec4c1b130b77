"""Alignment of a performed melody with a labelled one: shifts, cuts, and where the accompaniment decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.corpus.alignment import Accompaniment, Alignment, Piece, align, offset_from_grid, share_found
from phraseloom.corpus.melody_matching import Grid, MelodyLine, match_melodies

GRID = Grid(quarter=480, bar=1920)
NOTHING = Accompaniment(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 12)))


def melody_of(num_notes: int, seed: int = 0) -> MelodyLine:
    """An eighth-note melody without a repeating pattern."""
    pitch = np.random.default_rng(seed).integers(60, 80, num_notes)
    return MelodyLine(np.arange(num_notes) * 240, pitch)


def aligned(performed: MelodyLine, labelled: MelodyLine, accompaniment: Accompaniment = NOTHING) -> Alignment:
    alignment = align(performed, labelled, accompaniment, GRID)
    assert alignment is not None
    return alignment


def placed_onsets(alignment: Alignment, melody: MelodyLine) -> np.ndarray:
    onset, _, kept = alignment.place(melody.onset_ticks, np.full(len(melody.pitch), 60))
    return np.where(kept, onset, -1)


@given(
    shift=st.integers(-20_000, 20_000),
    num_notes=st.integers(8, 60),
    seed=st.integers(0, 1000),
)
def test_a_constant_shift_is_found_to_the_tick(shift: int, num_notes: int, seed: int):
    labelled = melody_of(num_notes, seed)
    performed = MelodyLine(labelled.onset_ticks - shift, labelled.pitch)
    alignment = aligned(performed, labelled)
    assert alignment.pieces == (Piece(None, None, shift),)


@given(st.lists(st.integers(-12, 12), min_size=40, max_size=40))
def test_small_deviations_of_the_performance_leave_every_note_found(deviations: list[int]):
    labelled = melody_of(40)
    performed = MelodyLine(labelled.onset_ticks + 7 + np.array(deviations), labelled.pitch)
    alignment = aligned(performed, labelled)
    placed = MelodyLine(placed_onsets(alignment, performed), performed.pitch)
    assert share_found(placed, labelled, tolerance_ticks=60) == 1.0
    assert alignment.num_changes == 0


def test_labels_that_were_rounded_down_do_not_move_the_notes_off_the_grid():
    performed = melody_of(40)
    late = np.where(np.arange(40) % 4 == 3, 70, 0)  # every fourth note well behind its 16th
    performed = MelodyLine(performed.onset_ticks + late, performed.pitch)
    labelled = MelodyLine(performed.onset_ticks // 120 * 120, performed.pitch)
    alignment = aligned(performed, labelled)
    assert abs(alignment.pieces[0].shift) <= 10


def test_two_beats_taken_out_in_a_rest_are_cut_there_and_no_note_is_lost():
    labelled = melody_of(64)
    performed = MelodyLine(labelled.onset_ticks + np.where(np.arange(64) >= 32, 960, 0), labelled.pitch)
    alignment = aligned(performed, labelled)
    assert alignment.num_changes == 1
    assert placed_onsets(alignment, performed).tolist() == labelled.onset_ticks.tolist()


def test_beats_put_in_by_the_labels_leave_a_gap():
    performed = melody_of(64)
    labelled = MelodyLine(performed.onset_ticks + np.where(np.arange(64) >= 32, 480, 0), performed.pitch)
    alignment = aligned(performed, labelled)
    assert [piece.shift for piece in alignment.pieces] == [0, 480]
    assert placed_onsets(alignment, performed).tolist() == labelled.onset_ticks.tolist()


def test_a_stray_run_of_three_notes_does_not_change_the_shift():
    labelled = melody_of(64)
    onset = labelled.onset_ticks.copy()
    onset[30:33] += 480
    order = np.argsort(onset, kind="stable")
    alignment = aligned(MelodyLine(onset[order], labelled.pitch[order]), labelled)
    assert alignment.num_changes == 0


def test_melodies_without_a_common_pitch_do_not_align():
    low, high = melody_of(20), melody_of(20)
    high = MelodyLine(high.onset_ticks, high.pitch + 40)
    assert match_melodies(low, high, GRID) is None
    assert align(low, high, NOTHING, GRID) is None


def test_matches_rise_in_both_melodies():
    labelled = melody_of(50, seed=3)
    performed = MelodyLine(np.delete(labelled.onset_ticks, [4, 9, 20]), np.delete(labelled.pitch, [4, 9, 20]))
    matches = match_melodies(performed, labelled, GRID)
    assert matches is not None
    assert (np.diff(matches.performed_ticks) > 0).all()
    assert (np.diff(matches.labelled_ticks) > 0).all()
    assert len(matches.shift_ticks) == 47


def chords_changing_every_beat(num_quarters: int) -> np.ndarray:
    """`[num_quarters, 12]`: beat b has the one chord tone b % 12."""
    return np.eye(12)[np.arange(num_quarters) % 12]


def test_the_accompaniment_places_the_cut_between_two_melody_notes():
    # 8 bars of melody, of which the performance has 2 beats more somewhere in the long rest of bars 3 and 4.
    labelled = melody_of(64)
    resting = (labelled.onset_ticks >= 2 * 1920) & (labelled.onset_ticks < 4 * 1920)
    labelled = MelodyLine(labelled.onset_ticks[~resting], labelled.pitch[~resting])
    performed = MelodyLine(labelled.onset_ticks + np.where(labelled.onset_ticks >= 3840, 960, 0), labelled.pitch)
    beat = np.arange(34)
    chord_of_beat = np.where(beat < 11, beat, np.where(beat < 13, beat + 6, beat - 2)) % 12  # beats 11, 12 are extra
    onset, pitch = np.repeat(beat * 480, 3), np.repeat(48 + chord_of_beat, 3)
    accompaniment = Accompaniment(onset, pitch, chords_changing_every_beat(32))
    alignment = aligned(performed, labelled, accompaniment)
    first, second = alignment.pieces
    assert (first.end, second.start) == (11 * 480 - 60, 13 * 480 - 60)
    assert accompaniment.mean_fit(alignment, GRID) == 1.0


def test_an_introduction_that_fits_only_elsewhere_is_moved():
    # The performance has two beats more than the labels between a 6-bar introduction and the melody.
    melody = melody_of(64)
    labelled = MelodyLine(melody.onset_ticks + 24 * 480, melody.pitch)
    performed = MelodyLine(labelled.onset_ticks + 960, melody.pitch)
    beat = np.arange(58)
    chord_of_beat = np.where(beat < 24, beat, beat - 2) % 12
    accompaniment = Accompaniment(beat * 480, 48 + chord_of_beat, chords_changing_every_beat(56))
    alignment = aligned(performed, labelled, accompaniment)
    assert [piece.shift for piece in alignment.pieces] == [0, -960]
    assert placed_onsets(alignment, performed).tolist() == labelled.onset_ticks.tolist()


def test_place_cuts_a_note_that_rings_into_what_was_taken_out():
    alignment = Alignment((Piece(None, 1000, 0), Piece(1500, None, -500)))
    onset, duration, kept = alignment.place(np.array([900, 1200, 1600]), np.array([200, 100, 100]))
    assert kept.tolist() == [True, False, True]
    assert onset[kept].tolist() == [900, 1100]
    assert duration[kept].tolist() == [100, 100]


def test_place_lets_a_note_sound_up_to_the_beat_that_an_early_edge_stands_for():
    alignment = Alignment((Piece(None, 900, 0), Piece(1860, None, -960)), early_ticks=60)
    onset, duration, _ = alignment.place(np.array([480, 480, 480, 1900]), np.array([480, 600, 1500, 20]))
    assert onset.tolist() == [480, 480, 480, 940]
    assert duration.tolist() == [480, 480, 540, 20]


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.integers(-2000, 2000)), max_size=5),
    st.lists(st.integers(0, 30_000), min_size=1, max_size=50),
)
def test_place_keeps_the_order_and_grows_no_note(jumps: list[tuple[int, int]], onsets: list[int]):
    pieces: list[Piece] = []
    start, shift = None, 0
    for length, jump in jumps:
        end = (start or 0) + length
        pieces.append(Piece(start, end, shift))
        start, shift = end + max(0, -jump), shift + jump
    alignment = Alignment((*pieces, Piece(start, None, shift)))
    onset = np.sort(np.array(onsets))
    placed, duration, _ = alignment.place(onset, np.full(len(onset), 300))
    assert (np.diff(placed) >= 0).all()
    assert ((duration >= 1) & (duration <= 300)).all()


@pytest.mark.parametrize(("ticks", "offset"), [([5, 125, 245], 5), ([-10, 110], -10), ([0, 60, 120, 180], 0)])
def test_offset_from_grid(ticks: list[int], offset: float):
    assert offset_from_grid(np.array(ticks), 120) == pytest.approx(offset, abs=1e-6)


def test_share_found_wants_pitch_and_place():
    labelled = MelodyLine(np.array([0, 480, 960, 1440]), np.array([60, 62, 64, 65]))
    placed = MelodyLine(np.array([60, 541, 960, 1440]), np.array([60, 62, 64, 66]))
    assert share_found(placed, labelled, tolerance_ticks=60) == 0.5
