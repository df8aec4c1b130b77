"""From a plan to a song: what was asked is what comes, whatever the weights are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from phraseloom.composer import MAX_SEED, MAX_STEPS, Composer, Composition
from phraseloom.errors import CheckpointError, RequestError, UnreadableFileError
from phraseloom.form import format_form, num_bars_of, parse_form
from phraseloom.harmony import parse_key
from phraseloom.phrase_codec import PHRASE_VAE_FILE
from phraseloom.plan import DEFAULT_NUM_BARS, SongPlan
from phraseloom.song_model import SONG_DIT_FILE, TICKS_PER_BAR
from phraseloom.structure import key_of_notes
from phraseloom.transforms import transpose
from support.networks import SLOTS, tiny_composer, write_tiny_weights

PLAN = SongPlan(form="i2 A4 B4", key="C", tempo_bpm=96)


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return tiny_composer(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def composition(composer) -> Composition:
    return composer.generate(PLAN, seed=1, steps=3)


@pytest.mark.parametrize("num_bars", [1, 2, 3, 17, 128])
def test_as_many_bars_as_asked(composer, num_bars):
    composition = composer.generate(SongPlan(num_bars=num_bars), seed=num_bars, steps=1)
    assert composition.score.num_bars == composition.plan.num_bars == num_bars
    assert num_bars_of(composition.score.sections) == num_bars
    assert composition.score.num_ticks == num_bars * TICKS_PER_BAR


@pytest.mark.parametrize("form", ["A1", "i4 A8 A8 B8 o4", "a3 b5 z7 A1 Z2", "x128"])
def test_the_form_asked(composer, form):
    composition = composer.generate(SongPlan(form=form), seed=1, steps=1)
    assert composition.score.sections == composition.plan.form == parse_form(form)


@pytest.mark.parametrize("key", ["C", "F#", "A minor", "Eb minor"])
def test_the_key_asked(composer, key):
    assert composer.generate(SongPlan(form="A2", key=key), seed=1, steps=1).score.key == parse_key(key)


@pytest.mark.parametrize("tempo_bpm", [10, 92.5, 600])
def test_the_tempo_asked(composer, tempo_bpm):
    assert composer.generate(SongPlan(form="A2", tempo_bpm=tempo_bpm), seed=1, steps=1).score.tempo_bpm == tempo_bpm


def test_without_a_plan_all_is_drawn(composer):
    composition = composer.generate(seed=1, steps=1)
    assert composition.score.num_bars == DEFAULT_NUM_BARS
    assert None not in (composition.plan.form, composition.plan.key, composition.plan.tempo_bpm)


def test_tracks_are_the_model_s_slots(composition):
    tracks = composition.score.tracks
    assert [(track.name, track.program, track.is_drum) for track in tracks] == [
        (slot.name, slot.program, slot.is_drum) for slot in SLOTS
    ]
    assert composition.score.num_notes > 0


def test_the_same_seed_gives_the_same_notes(composer, composition):
    torch.manual_seed(12345)  # what others draw does not matter
    assert composer.generate(PLAN, seed=1, steps=3).score == composition.score


def test_another_seed_gives_other_notes(composer, composition):
    other = composer.generate(PLAN, seed=2, steps=3).score
    assert other != composition.score
    assert replace(other, tracks=()) == replace(composition.score, tracks=())


def test_composing_leaves_torch_s_own_random_numbers_alone(composer):
    before = torch.get_rng_state()
    composer.generate(SongPlan(form="A1"), steps=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_seed_reported_and_the_plan_followed_give_the_song_again(composer):
    drawn = composer.generate(SongPlan(num_bars=8), steps=1)
    assert 0 <= drawn.seed <= MAX_SEED
    assert composer.generate(drawn.plan, seed=drawn.seed, steps=1).score == drawn.score
    assert composer.generate(SongPlan(num_bars=8), seed=drawn.seed, steps=1).score == drawn.score


def test_seeds_that_are_not_given_are_drawn_anew(composer):
    seeds = {composer.generate(SongPlan(form="A1"), steps=1).seed for _ in range(4)}
    assert len(seeds) > 1


@pytest.mark.parametrize(
    ("first", "second", "semitones"), [("C", "D", 2), ("A minor", "B minor", 2), ("C", "F#", -6), ("C", "F", 5)]
)
def test_the_key_moves_the_same_notes(composer, first, second, semitones):
    one, other = (composer.generate(in_key(key), seed=3, steps=1).score for key in (first, second))
    assert one.num_notes > 0
    assert other == transpose(one, semitones)


def in_key(key: str) -> SongPlan:
    return SongPlan(form=PLAN.form, key=key, tempo_bpm=PLAN.tempo_bpm)


@pytest.mark.parametrize(
    "plan",
    [
        SongPlan(form="i2 A8", key="C", tempo_bpm=96),
        SongPlan(form="i2 A4 B4", key="A minor", tempo_bpm=96),
        SongPlan(form="i2 A4 B4", key="C", tempo_bpm=192),
    ],
)
def test_form_mode_and_tempo_are_told_to_the_network(composer, composition, plan):
    assert composer.generate(plan, seed=1, steps=3).score.tracks != composition.score.tracks


@pytest.mark.parametrize("steps", [0, -1, MAX_STEPS + 1])
def test_steps_out_of_range_are_refused(composer, steps):
    with pytest.raises(RequestError, match=f"steps is {steps}, allowed are 1 to 1000"):
        composer.generate(PLAN, steps=steps)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_seeds_out_of_range_are_refused(composer, seed):
    with pytest.raises(RequestError, match=f"seed is {seed}, allowed are 0 to 2147483647"):
        composer.generate(PLAN, seed=seed)


@pytest.mark.parametrize("seed", [0, MAX_SEED])
def test_the_outermost_seeds_are_good(composer, seed):
    assert composer.generate(SongPlan(form="A1"), seed=seed, steps=1).seed == seed


def test_the_report_says_what_was_asked_and_what_came(composition):
    got_key = key_of_notes(composition.score.tracks)
    assert composition.report == {
        "bars": {"asked": 10, "got": 10},
        "form": {"asked": "i2 A4 B4", "got": format_form(composition.score.sections)},
        "key": {"asked": "C major", "got": str(got_key)},
        "tempo_bpm": {"asked": 96.0, "got": 96.0},
    }


def test_times_are_told(composition):
    assert composition.seconds.keys() == {"load", "sampling", "decoding"}
    assert all(seconds > 0 for seconds in composition.seconds.values())


def test_progress_rises_to_one(composer):
    calls: list[tuple[str, float]] = []
    composer.generate(SongPlan(form="A1"), steps=5, progress=lambda doing, share: calls.append((doing, share)))
    doing, shares = zip(*calls, strict=True)
    assert doing == ("sampling",) * 5 + ("decoding", "done")
    assert list(shares) == sorted(shares)
    assert shares[0] == pytest.approx(0.18)
    assert shares[-1] == 1


def test_progress_can_stop_the_work(composer):
    class Stopped(Exception):  # noqa: N818 - no error
        pass

    def stop(doing: str, share: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        composer.generate(PLAN, steps=MAX_STEPS, progress=stop)


def test_an_empty_folder_holds_no_weights(tmp_path):
    with pytest.raises(UnreadableFileError, match=PHRASE_VAE_FILE):
        Composer.load(tmp_path)


def test_weights_that_do_not_belong_together_are_refused(tmp_path):
    first, second = (write_tiny_weights(tmp_path / str(seed), seed) for seed in (0, 1))
    (second / PHRASE_VAE_FILE).replace(first / PHRASE_VAE_FILE)
    with pytest.raises(CheckpointError, match=f"{SONG_DIT_FILE} was trained on the latents of phrase VAE"):
        Composer.load(first)
