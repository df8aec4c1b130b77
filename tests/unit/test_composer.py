"""From a plan to a song: what was asked is what comes, whatever the weights are."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from phraseloom.composer import MAX_SEED, MAX_STEPS, RECIPE_PREFIX, Composer, Composition
from phraseloom.drawing import draw
from phraseloom.errors import CheckpointError, RequestError, UnreadableFileError
from phraseloom.form import format_form, num_bars_of, parse_form
from phraseloom.harmony import parse_key
from phraseloom.melody_index import MELODY_INDEX_FILE, MelodyIndex
from phraseloom.midi import read_midi
from phraseloom.phrase_codec import PHRASE_VAE_FILE
from phraseloom.plan import DEFAULT_NUM_BARS, SongPlan
from phraseloom.repeats import AS_IN_THE_CORPUS, FRESH, shared_noise_of
from phraseloom.request import Request
from phraseloom.score import Score
from phraseloom.song_model import SONG_DIT_FILE, TICKS_PER_BAR
from phraseloom.song_recipe import SongRecipe
from phraseloom.structure import key_of_notes
from phraseloom.texture import LOWEST_GRADE, RESTS, UNKNOWN, Aspect, grade, section_textures
from phraseloom.texture_prior import TexturePrior
from phraseloom.transforms import cut, transpose
from support.networks import SLOTS, tiny_composer, write_tiny_weights
from support.smf import chunk, meta, midi_file, note
from support.songs import make_song
from support.textures import prior_of

PLAN = SongPlan(form="i2 A4 B4", key="C", tempo_bpm=96)
RETURNING = SongPlan(form="i2 A4 B2 A4 A3", key="C", tempo_bpm=96)
FIRST_BARS = [FRESH] * 8 + [2, 3, 4, 5] + [2, 3, 4]
"""Of every bar of it the first with the same letter and offset."""


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return tiny_composer(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def composition(composer) -> Composition:
    return composer.generate(PLAN, seed=1, steps=3)


@pytest.fixture
def requests(monkeypatch) -> list[Request]:
    """All that is drawn."""
    seen = []

    def watched(request: Request, *arguments, **options):
        seen.append(request)
        return draw(request, *arguments, **options)

    monkeypatch.setattr("phraseloom.composer.draw", watched)
    return seen


def with_prior(composer: Composer, prior: TexturePrior) -> Composer:
    return Composer(composer.codec, replace(composer.model, texture_prior=prior))


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
    assert composition.plan.repeat == AS_IN_THE_CORPUS


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
    assert replace(other, tracks=(), chords=()) == replace(composition.score, tracks=(), chords=())


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
    """Of a seed with which the weights write no notes so low or high that they would be moved by octaves too, and where
    no textures say how high parts are to sound."""
    composer = with_prior(composer, prior_of())
    one, other = (composer.generate(in_key(key), seed=3, steps=1).score for key in (first, second))
    pitches = np.concatenate([track.notes.pitch for track in one.tracks if not track.is_drum])
    assert 6 <= pitches.min() < pitches.max() <= 121
    assert other == transpose(one, semitones)


def in_key(key: str) -> SongPlan:
    return SongPlan(form="A1", key=key, tempo_bpm=PLAN.tempo_bpm)


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


def check_equal(score: Score, bar: int, other: int, slot: int) -> None:
    """Two bars of a track hold the same notes, but where a later bar strikes a pitch that still sounds."""
    one, two = (cut(score)[number][slot] for number in (bar, other))
    np.testing.assert_array_equal(one.table[:, [0, 2, 3]], two.table[:, [0, 2, 3]])
    notes = score.tracks[slot].notes
    strikes = set(zip(notes.onset_ticks.tolist(), notes.pitch.tolist(), strict=True))
    for row in np.flatnonzero(one.duration_ticks != two.duration_ticks):
        number, phrase = (bar, one) if one.duration_ticks[row] < two.duration_ticks[row] else (other, two)
        end = TICKS_PER_BAR * number + int(phrase.end_ticks[row])
        assert (end, int(phrase.pitch[row])) in strikes


@pytest.mark.parametrize("key", ["C", "Eb minor"])
def test_with_all_repeats_homologous_bars_are_equal_in_every_track(composer, key):
    composition = composer.generate(replace(RETURNING, repeat=1, key=key), seed=1, steps=3)
    assert composition.sources.tolist() == [[source] * len(SLOTS) for source in FIRST_BARS]
    assert composition.score.num_notes > 0
    for bar, source in enumerate(FIRST_BARS):
        for slot in range(len(SLOTS) if source != FRESH else 0):
            check_equal(composition.score, bar, source, slot)


def test_without_repeats_nothing_is_tied(composer):
    composition = composer.generate(replace(RETURNING, repeat=0), seed=1, steps=3)
    assert (composition.sources == FRESH).all()
    phrases = cut(composition.score)
    homologous = [(bar, source) for bar, source in enumerate(FIRST_BARS) if source != FRESH]
    alike = [phrases[bar][slot] == phrases[source][slot] for bar, source in homologous for slot in range(len(SLOTS))]
    assert not all(alike)


def test_with_some_repeats_the_tied_cells_are_equal(composer):
    songs = [composer.generate(RETURNING, seed=seed, steps=2) for seed in range(4)]
    tied = np.stack([song.sources for song in songs]) != FRESH
    assert not tied[:, :8].any()
    assert 0 < tied[:, 8:].mean() < 1
    for song in songs:
        for bar, slot in np.argwhere(song.sources != FRESH):
            assert song.sources[bar, slot] == FIRST_BARS[bar] or song.sources[bar, slot] >= 8
            check_equal(song.score, bar, song.sources[bar, slot], slot)


def test_the_same_seed_gives_the_same_repeats_and_chords_do_not_change_them(composer):
    one, again = (composer.generate(RETURNING, seed=5, steps=1) for _ in range(2))
    assert one.score == again.score
    np.testing.assert_array_equal(one.sources, again.sources)
    with_chords = composer.generate(replace(RETURNING, chords="A: C F"), seed=5, steps=1)
    np.testing.assert_array_equal(with_chords.sources, one.sources)


def test_the_chords_asked_are_the_song_s_in_its_key(composer):
    composition = composer.generate(SongPlan(form="A2 A1", key="D", chords="A: D | Bm7 A/C#"), seed=1, steps=1)
    found = [(str(span.chord), span.onset_ticks, span.duration_ticks) for span in composition.score.chords]
    assert found == [("D", 0, 48), ("Bm7", 48, 24), ("A/C#", 72, 24), ("D", 96, 48)]


def test_chords_are_told_to_the_network_from_the_tonic_on(composer):
    """The same degrees in two keys are the same song transposed; other degrees are another song."""
    in_c, in_d, others = (
        composer.generate(SongPlan(form="A4", key=key, tempo_bpm=96, chords=chords), seed=1, steps=2).score
        for key, chords in (("C", "C Am F G"), ("D", "D Bm G A"), ("C", "F F F F"))
    )
    assert in_c.num_notes > 0
    assert in_d == transpose(in_c, 2)
    assert others.tracks != in_c.tracks


def test_chords_for_letters_that_a_form_lacks_are_refused():
    with pytest.raises(RequestError, match="chords for Z, but the form is"):
        replace(RETURNING, chords="A: C; Z: F")


def test_the_recipe_gives_plan_and_song_again(composer):
    plan = replace(RETURNING, key="Eb", repeat=0.75, chords="A: Eb Ab | Cm Bb7; B: N.C.")
    composition = composer.generate(plan, seed=7, steps=2)
    made_by = json.loads(composition.recipe.removeprefix(RECIPE_PREFIX))
    assert (made_by["plan"]["repeat"], "Ab" in made_by["plan"]["chords"]) == (0.75, True)
    again = SongPlan(**made_by["plan"])
    assert again == composition.plan
    assert composer.generate(again, seed=made_by["seed"], steps=made_by["steps"]).score == composition.score


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
    told = {
        "bars": {"asked": 10, "got": 10},
        "form": {"asked": "i2 A4 B4", "got": format_form(composition.score.sections)},
        "key": {"asked": "C major", "got": str(got_key)},
        "tempo_bpm": {"asked": 96.0, "got": 96.0},
        "repeated_cells": {"asked": 0, "got": 0},
    }
    assert told.items() <= composition.report.items()


def test_the_report_counts_repeats_and_beats_in_the_chords_asked(composer):
    plan = replace(RETURNING, repeat=1, chords="A: C F; B: G; i: C")
    report = composer.generate(plan, seed=1, steps=1).report
    most = 7 * len(SLOTS)
    assert report["repeated_cells"]["asked"] == most
    assert 0 < report["repeated_cells"]["got"] <= most
    assert report["agreeing_beats"]["asked"] == 1
    assert 0 <= report["agreeing_beats"]["got"] <= 1


def test_times_are_told(composition):
    assert composition.seconds.keys() == {"load", "sampling", "decoding"}
    assert all(seconds > 0 for seconds in composition.seconds.values())


def test_progress_rises_to_one(composer):
    calls: list[tuple[str, float]] = []
    plan = SongPlan(form="A1")
    composer.generate(plan, seed=1, steps=5, progress=lambda doing, share: calls.append((doing, share)))
    doing, shares = zip(*calls, strict=True)
    again = (*("sampling",) * 3, "decoding")
    assert doing == (*("sampling",) * 5, "decoding", *again, "done")
    assert list(shares) == sorted(shares)
    assert shares[0] == pytest.approx(0.6 * 0.18)
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


def test_tracks_that_are_to_rest_are_silent_and_the_others_are_free(composer):
    plan = SongPlan(form="A4 B4 o2", tracks="A: melody; o: none")
    score = composer.generate(plan, seed=1, steps=2).score
    bars = [score.bar_of(track.notes.onset_ticks) for track in score.tracks]
    for track, index in zip(score.tracks, bars, strict=True):
        assert not (index >= 8).any()
        assert track.name == "MELODY" or not (index < 4).any()
    assert any((index < 4).any() for index in bars)
    assert any(((index >= 4) & (index < 8)).any() for index in bars)


def test_tracks_that_the_model_does_not_have_are_refused(composer):
    with pytest.raises(RequestError, match="no track 'oboe' for A"):
        composer.generate(SongPlan(form="A4", tracks="A: oboe"), seed=1, steps=1)


def asked_of(composer: Composer, requests: list[Request], plan: SongPlan) -> tuple[np.ndarray, Composition]:
    """`[bars, slots, aspects]` the textures that the network is told, and the composition."""
    composition = composer.generate(plan, seed=1, steps=1)
    texture = requests[-1].texture
    assert texture is not None
    return texture, composition


def test_a_composition_s_plan_has_a_density_for_every_letter(composer):
    density = composer.generate(RETURNING, seed=1, steps=1).plan.density
    assert density is not None
    assert [letter for letter, _ in density.parts] == ["i", "A", "B"]
    for _, notes in density.parts:
        assert [name for name, _ in notes] == ["melody", "bridge", "drums"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"density": "A: melody 30; B: all 0"},
        {"tracks": "A: melody; i, B: all"},
        {"tracks": "i: none", "density": "A: bridge 2.5", "repeat": 1},
    ],
)
def test_the_plan_with_its_density_gives_the_song_again(composer, requests, asked):
    """Whatever song of the corpus it was like."""
    songs = [make_song(seed, num_tracks=2 + seed % 2, form="i2 A4 B4 A4") for seed in range(5)]
    composer = with_prior(composer, TexturePrior.fit(songs, len(SLOTS)))
    for seed in range(3):
        first = composer.generate(replace(RETURNING, **asked), seed=seed, steps=1)
        again = composer.generate(first.plan, seed=seed, steps=1)
        assert again.plan == first.plan
        assert again.score == first.score
        np.testing.assert_array_equal(*(request.texture for request in requests[-2:]))


def test_densities_are_told_to_the_network_for_all_sections_of_their_letters(composer, requests):
    texture, composition = asked_of(composer, requests, replace(RETURNING, density="A: melody 3, bridge 0"))
    is_of_a = np.array([*[False] * 2, *[True] * 4, *[False] * 2, *[True] * 7])
    assert (texture[is_of_a, 0, Aspect.NOTES] == grade(Aspect.NOTES, 3)).all()
    assert (texture[is_of_a, 1] == RESTS).all()
    assert (texture[~is_of_a, :2] >= LOWEST_GRADE).all()
    assert "A: melody 3, bridge 0, drums " in str(composition.plan.density)
    assert composition.score != composer.generate(RETURNING, seed=1, steps=1).score


def test_tracks_that_are_to_rest_are_told_so_and_have_no_notes_in_the_plan(composer, requests):
    plan = SongPlan(form="A4 B4 o2", tracks="A: melody; o: none", density="B: bridge 3")
    texture, composition = asked_of(composer, requests, plan)
    is_resting = (texture == RESTS).all(axis=2)
    assert is_resting.tolist() == [[False, True, True]] * 4 + [[False] * 3] * 4 + [[True] * 3] * 2
    density = dict(composition.plan.density.parts)
    assert dict(density["A"])["bridge"] == dict(density["A"])["drums"] == 0
    assert density["o"] == (("melody", 0), ("bridge", 0), ("drums", 0))
    assert dict(density["B"])["bridge"] == 3


def test_tracks_that_are_to_rest_are_told_so_whenever_their_section_returns(composer, requests):
    """Also where the song that is followed has them rest in the first such section only."""
    followed = np.full((2, len(SLOTS), len(Aspect)), LOWEST_GRADE)
    followed[0, 1] = RESTS
    composer = with_prior(composer, prior_of(("AA",), (followed,)))
    texture, _ = asked_of(composer, requests, SongPlan(form="A1 A1", tracks="A: melody drums"))
    assert texture[..., 0].tolist() == [[LOWEST_GRADE, RESTS, LOWEST_GRADE]] * 2


def test_tracks_that_come_in_or_leave_when_a_section_returns_are_told_so(composer, requests):
    """As in the song that is followed; the plan, which says one thing of all sections of a letter, leaves them open."""
    followed = np.full((3, len(SLOTS), len(Aspect)), LOWEST_GRADE)
    followed[0, 1] = followed[2, 0] = RESTS
    composer = with_prior(composer, prior_of(("ABA",), (followed,)))
    texture, composition = asked_of(composer, requests, SongPlan(form="A1 B1 A1"))
    np.testing.assert_array_equal(texture, followed)
    assert str(composition.plan.density) == "A: melody 1, drums 1; B: melody 1, bridge 1, drums 1"
    composer.generate(composition.plan, seed=1, steps=1)
    np.testing.assert_array_equal(requests[-1].texture, followed)


def test_tracks_that_are_to_play_are_not_told_to_rest(composer, requests):
    """Where they do in the song that is followed, they are free."""
    resting = np.full((2, len(SLOTS), len(Aspect)), LOWEST_GRADE)
    resting[0, :2] = RESTS
    composer = with_prior(composer, prior_of(("AB",), (resting,)))
    texture, composition = asked_of(composer, requests, SongPlan(form="A2 B1", tracks="A: melody drums"))
    assert texture[:2, :, 0].tolist() == [[UNKNOWN, RESTS, LOWEST_GRADE]] * 2
    assert str(composition.plan.density) == "A: bridge 0, drums 1; B: melody 1, bridge 1, drums 1"


def test_where_no_textures_were_learned_what_is_not_asked_is_free(composer, requests):
    composer = with_prior(composer, prior_of())
    texture, composition = asked_of(composer, requests, replace(PLAN, tracks="A: all"))
    assert (texture == UNKNOWN).all()
    assert composition.plan.density is None


@pytest.mark.parametrize("repeat", [0, 0.5, 0.75, 1])
def test_with_many_repeats_bars_that_return_share_their_noise(composer, requests, repeat):
    composer.generate(replace(RETURNING, repeat=repeat), seed=1, steps=1)
    assert requests[-1].shared_noise == shared_noise_of(repeat)


def test_densities_for_letters_that_a_form_lacks_are_refused():
    with pytest.raises(RequestError, match="density is given for Z, but the form is"):
        replace(RETURNING, density="Z: all 5")


@pytest.mark.parametrize("made", [Composer.generate, Composer.propose])
def test_densities_of_tracks_that_the_model_does_not_have_are_refused(composer, made):
    with pytest.raises(RequestError, match="no track 'oboe' for A") as raised:
        made(composer, SongPlan(form="A4", density="A: oboe 5"), seed=1)
    assert raised.value.remedy == "choose among MELODY, BRIDGE, DRUMS"


@pytest.mark.parametrize(
    ("made", "kept"),
    [
        (lambda composer, song, **options: composer.infill(song, bars="5-8", **options), range(4)),
        (lambda composer, song, **options: composer.vary(song, 0.5, **options), range(8)),
        (lambda composer, song, **options: composer.extend(song, "C2", **options), range(8)),
        (lambda composer, song, **options: composer.restructure(song, "A4 C2 B4", **options), [0, 1, 2, 3]),
    ],
)
def test_edits_tell_the_network_how_tracks_play(composer, requests, made, kept):
    song = make_song(3, num_tracks=2, form="A4 B4")
    made(composer, song, seed=1, steps=1)
    texture = requests[-1].texture
    assert texture.shape == (requests[-1].song.num_bars, len(SLOTS), len(Aspect))
    assert (texture != UNKNOWN).all()
    own = section_textures(song, song.sections, len(SLOTS)).repeat(4, axis=0)
    np.testing.assert_array_equal(texture[kept], own[kept])


@pytest.mark.parametrize(
    "made",
    [
        lambda composer, song, **options: composer.infill(song, bars="2-3", tracks=["MELODY"], **options),
        lambda composer, song, **options: composer.vary(song, 0.5, **options),
        lambda composer, song, **options: composer.extend(song, "B2", **options),
        lambda composer, song, **options: composer.extend(song, 2, before=True, **options),
        lambda composer, song, **options: composer.restructure(song, "A4 C2", **options),
        lambda composer, song, **options: composer.arrange(song, melody="1", **options),
        lambda composer, song, **options: composer.arrange(song, ["Bridge=2"], **options),
    ],
)
def test_takes_of_every_edit(composer, made):
    song = make_song(3, num_tracks=2, form="A4")
    calls: list[tuple[str, float]] = []
    takes = made(composer, song, count=3, seed=MAX_SEED, steps=1, progress=lambda *told: calls.append(told))
    assert [take.seed for take in takes] == [MAX_SEED, 0, 1]
    assert len({take.score.tracks for take in takes}) == 3
    for take in takes:
        assert take.plan is not None
        assert take.plan.form == take.score.sections
        assert (take.plan.key, take.plan.tempo_bpm) == (song.key, song.tempo_bpm)
        assert take.report["bars"] == {"asked": take.score.num_bars, "got": take.score.num_bars}
    shares = [share for _, share in calls]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert made(composer, song, seed=MAX_SEED, steps=1)[0].score == takes[0].score


@pytest.mark.parametrize("count", [0, 1001])
def test_counts_out_of_range_are_refused(composer, count):
    with pytest.raises(RequestError, match=f"count is {count}"):
        composer.infill(make_song(0), count=count)


def test_a_song_is_carried_on_with_its_recipe(composer, composition):
    recipe = SongRecipe.parse(composition.recipe)
    assert recipe is not None
    (first,) = composer.infill(composition.score, "1-2", locked="DRUMS", seed=5, steps=1, recipe=recipe)
    (second,) = composer.vary(first.score, 0.9, seed=6, steps=1, recipe=SongRecipe.parse(first.recipe))
    assert second.score.tracks[2] == first.score.tracks[2] == composition.score.tracks[2]
    assert second.score.tracks[0] != first.score.tracks[0]
    told = SongRecipe.parse(second.recipe)
    assert told is not None
    assert [step["seed"] for step in told.steps] == [1, 5, 6]
    assert told.plan == composition.plan
    assert told.weights == composer.model.fingerprint
    assert told.locked == "DRUMS"
    (third,) = composer.vary(second.score, 0.9, seed=6, steps=1, recipe=told, locked="")
    assert third.score.tracks[2] != second.score.tracks[2]
    assert "locked" not in third.recipe


def test_the_report_says_how_far_from_the_grid_a_song_was_played(composer):
    content = midi_file(chunk(meta(0x03, b"MELODY"), note(60, 470, 5), note(62, 480, 5), note(64, 480, 14)))
    (take,) = composer.vary(read_midi(content), 0, steps=1)
    assert take.report["notes_on_grid"] == {"asked": 3, "got": 1, "largest_distance_ms": 14.6}


def test_originality_is_told_where_an_index_lies_beside_the_weights(composer, composition, tmp_path):
    assert "originality" not in composition.report
    write_tiny_weights(tmp_path)
    index = MelodyIndex.build([composition.score], salt=1)
    index.save(tmp_path / MELODY_INDEX_FILE)
    again = Composer.load(tmp_path).generate(PLAN, seed=1, steps=3)
    assert again.score == composition.score
    assert again.report["originality"] == index.originality(composition.score)
