"""Textures proposed in the way of one of a corpus's songs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from phraseloom import texture_prior
from phraseloom.density import FREE, parse_density
from phraseloom.form import parse_form
from phraseloom.harmony import Key
from phraseloom.score import Score
from phraseloom.texture import LOWEST_GRADE, RESTS, UNKNOWN, Aspect, grades_of, section_pitches, section_textures
from phraseloom.texture_prior import TexturePrior
from phraseloom.transforms import normalising_shift
from support.songs import make_song
from support.textures import prior_of

NUM_SLOTS = 3
TRACKS = ("Melody", "Bridge", "Piano")
FORM = parse_form("i4 A8 B8 A8 B8")
NOBODY = prior_of()


def of_grades(*grades: int) -> np.ndarray:
    """`[k, s, a]` of sections each of which has one grade in all slots and aspects."""
    return np.repeat(grades, NUM_SLOTS * len(Aspect)).reshape(len(grades), NUM_SLOTS, len(Aspect))


def unknown(num_sections: int) -> np.ndarray:
    return of_grades(*[UNKNOWN] * num_sections)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def plain(prior: TexturePrior) -> tuple[tuple[str, ...], list[list], list[list]]:
    return prior.letters, [own.tolist() for own in prior.textures], [own.tolist() for own in prior.pitches]


@pytest.fixture(scope="module")
def prior() -> TexturePrior:
    """Of songs whose melody rests in the intro."""
    return TexturePrior.fit([make_song(seed) for seed in range(6)], NUM_SLOTS)


# What is kept


def songs() -> Iterator[Score]:
    yield make_song(1, form="i2 A4 B4 A4")
    yield replace(make_song(2), sections=())
    yield make_song(3, form="A2 b2", num_tracks=2)


def test_songs_with_sections_are_measured() -> None:
    first, _, last = songs()
    prior = TexturePrior.fit(songs(), NUM_SLOTS)
    assert prior.letters == ("iABA", "Ab")
    for textures, score in zip(prior.textures, (first, last), strict=True):
        np.testing.assert_array_equal(textures, section_textures(score, score.sections, NUM_SLOTS))
    for pitches, score in zip(prior.pitches, (first, last), strict=True):
        np.testing.assert_array_equal(pitches, section_pitches(score, NUM_SLOTS))
    assert (prior.textures[1][:, 2] == RESTS).all()


def test_of_many_songs_some_are_kept_from_first_to_last(monkeypatch) -> None:
    monkeypatch.setattr(texture_prior, "MOST_SONGS", 3)
    forms = ("A1", "B1", "C1", "D1", "E1")
    kept = TexturePrior.fit([make_song(1, num_tracks=1, form=form) for form in forms], 1)
    assert kept.letters == ("A", "C", "E")
    assert len(kept.textures) == 3


@pytest.mark.parametrize("scores", [list(songs()), []])
def test_a_prior_survives_json(scores: list[Score]) -> None:
    prior = TexturePrior.fit(scores, NUM_SLOTS)
    assert plain(TexturePrior.from_dict(json.loads(json.dumps(prior.to_dict())))) == plain(prior)


# What is proposed


@pytest.mark.parametrize(
    ("form", "letters", "places"),
    [
        ("i4 A8 B8 o4", "iABo", [0, 1, 2, 3]),
        ("o4 i4", "iABo", [3, 0]),  # small letters by name
        ("C8 X8 C8", "iABAo", [1, 2, 3]),  # capitals as they appear
        ("B8 A8", "AB", [0, 1]),
        ("A8 A8 A8", "iABAo", [1, 3, 3]),  # beyond the song's, its last
        ("b4 A8 b4", "iAo", [0, 1, 0]),  # a small letter that the song lacks, as it appears
        ("A8 B8 C8", "AB", [0, 1, 0]),
        ("i4 A8", "AB", [0, 0]),  # no small letters at all
        ("A8 A8", "io", [0, 0]),
    ],
)
def test_sections_are_like_their_counterparts(form: str, letters: str, places: list[int]) -> None:
    song = of_grades(*range(LOWEST_GRADE, LOWEST_GRADE + len(letters)))
    sections = parse_form(form)
    proposed = prior_of((letters,), (song,)).propose(sections, unknown(len(sections)), rng(), shift=0)
    np.testing.assert_array_equal(proposed, song[places])


def test_where_nothing_is_asked_any_song_is_taken_whole() -> None:
    songs = [of_grades(2, 3), of_grades(4, 5), of_grades(6, 7)]
    prior = prior_of(("AB",) * 3, tuple(songs))
    proposed = [prior.propose(parse_form("A8 B8"), unknown(2), rng(seed), shift=0).tolist() for seed in range(40)]
    assert all(song.tolist() in proposed for song in songs)
    assert all(textures in [song.tolist() for song in songs] for textures in proposed)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("place", "wanted"), [(0, 2), (1, 8), (2, 5)])
def test_a_song_that_fits_is_found(seed: int, place: int, wanted: int) -> None:
    songs = (of_grades(2, 3, 2), of_grades(8, 7, 8), of_grades(5, 6, 5))
    asked = unknown(3)
    asked[[0, 2], 1, Aspect.NOTES] = wanted
    proposed = prior_of(("ABA",) * 3, songs).propose(parse_form("A8 B8 A8"), asked, rng(seed), shift=0)
    np.testing.assert_array_equal(proposed, songs[place])


def test_what_no_song_has_is_said_in_all_sections_of_the_letter() -> None:
    prior = prior_of(("ABA", "ABA"), (of_grades(2, 3, 2), of_grades(5, 6, 4)))
    asked = unknown(3)
    asked[[0, 2], 1, Aspect.NOTES] = 9
    expected = of_grades(5, 6, 4)
    expected[[0, 2], 1, Aspect.NOTES] = 9
    np.testing.assert_array_equal(prior.propose(parse_form("A8 B8 A8"), asked, rng(), shift=0), expected)


def test_what_a_letter_s_first_section_has_anyway_leaves_the_later_ones_as_they_are() -> None:
    prior = prior_of(("AA",), (of_grades(5, 7),))
    np.testing.assert_array_equal(prior.propose(parse_form("A8 A8"), of_grades(5, 5), rng(), shift=0), of_grades(5, 7))


def test_a_track_that_is_to_play_where_the_song_s_rests_is_not_told_to_rest_too() -> None:
    asked = unknown(2)
    asked[0, 1, Aspect.NOTES] = 5
    proposed = prior_of(("AB",), (of_grades(RESTS, RESTS),)).propose(parse_form("A8 B8"), asked, rng(), shift=0)
    assert proposed[0, 1, Aspect.NOTES] == 5
    assert (proposed[0, 1] != RESTS).all()
    assert (proposed[0, [0, 2]] == RESTS).all()
    assert (proposed[1] == RESTS).all()


def test_a_rest_is_far_from_few_notes() -> None:
    """Asked for few notes, a song with some is nearer than one that rests."""
    prior = prior_of(("A", "A"), (of_grades(RESTS), of_grades(LOWEST_GRADE + 2)))
    asked = unknown(1)
    asked[..., Aspect.NOTES] = LOWEST_GRADE
    for seed in range(5):
        proposed = prior.propose(parse_form("A8"), asked, rng(seed), shift=0)
        assert (proposed[..., Aspect.PITCH] == LOWEST_GRADE + 2).all()


def test_songs_are_not_changed_by_proposals(prior: TexturePrior) -> None:
    before = plain(prior)
    prior.propose(FORM, of_grades(9, 9, 9, 9, 9), rng(), shift=0)[:] = 0
    prior.completed(FORM, unknown(len(FORM)), rng(), shift=0)[:] = 0
    assert plain(prior) == before


@pytest.mark.parametrize(
    "text", ["", "A: melody 30", "B: all 0; A: piano 2", "i: melody 6, bridge 12", "A, B, i: all 1"]
)
@pytest.mark.parametrize("seed", range(4))
def test_asking_for_what_was_proposed_proposes_the_same(prior: TexturePrior, text: str, seed: int) -> None:
    density = parse_density(text) if text else FREE
    proposed = prior.propose(FORM, density.grades(FORM, TRACKS), rng(seed), shift=0)
    filled = density.filled(proposed, FORM, TRACKS)
    assert [letter for letter, _ in filled.parts] == ["i", "A", "B"]
    np.testing.assert_array_equal(prior.propose(FORM, filled.grades(FORM, TRACKS), rng(seed), shift=0), proposed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("semitones", [-5, 0, 4, 6])
def test_parts_sound_as_high_in_every_key(semitones: int, seed: int) -> None:
    """The network is told of the song in C, from which it is moved back to its key."""
    song = replace(make_song(seed), key=Key(0, "major"))
    prior = TexturePrior.fit([song], NUM_SLOTS)
    in_key = replace(song, key=Key((-semitones) % 12, "major"))
    shift = normalising_shift(in_key.key)
    assert shift == semitones
    proposed = prior.propose(song.sections, unknown(len(song.sections)), rng(), shift=shift)
    np.testing.assert_array_equal(proposed == RESTS, prior.textures[0] == RESTS)
    sounds = prior.pitches[0] > 0
    expected = grades_of(Aspect.PITCH, prior.pitches[0] + semitones)
    np.testing.assert_array_equal(proposed[..., Aspect.PITCH][sounds], expected[sounds])
    others = [aspect for aspect in Aspect if aspect != Aspect.PITCH]
    np.testing.assert_array_equal(proposed[..., others], prior.textures[0][..., others])
    known = np.full_like(proposed, UNKNOWN)
    np.testing.assert_array_equal(prior.completed(song.sections, known, rng(), shift=shift), proposed)


# What is completed


def test_what_is_known_stays(prior: TexturePrior) -> None:
    known = of_grades(2, 9, RESTS, 3, 7)
    np.testing.assert_array_equal(prior.completed(FORM, known, rng(), shift=0), known)


@pytest.mark.parametrize(
    ("known", "completed"),
    [
        ([5, UNKNOWN, UNKNOWN], [5, 5, 5]),
        ([UNKNOWN, UNKNOWN, RESTS], [RESTS, RESTS, RESTS]),
        ([5, UNKNOWN, 8], [5, 5, 8]),
        ([5, UNKNOWN, UNKNOWN, 8], [5, 5, 8, 8]),
        ([UNKNOWN, 5, UNKNOWN, UNKNOWN, UNKNOWN, 8, UNKNOWN], [5, 5, 5, 5, 8, 8, 8]),
    ],
)
@pytest.mark.parametrize("prior", [NOBODY, prior_of(("A",), (of_grades(9),))])
def test_a_section_that_returns_is_as_the_nearest_known_one(
    prior: TexturePrior, known: list[int], completed: list[int]
) -> None:
    given = of_grades(*known)
    found = prior.completed(parse_form("A4 " * len(known)), given, rng(), shift=0)
    np.testing.assert_array_equal(found, of_grades(*completed))
    np.testing.assert_array_equal(given, of_grades(*known))


def test_every_track_is_completed_by_itself() -> None:
    known = of_grades(5, UNKNOWN)
    known[:, 1] = [[UNKNOWN], [8]]
    known[:, 2] = UNKNOWN
    completed = prior_of(("A",), (of_grades(3),)).completed(parse_form("A4 A4"), known, rng(), shift=0)
    assert completed[..., Aspect.PITCH].tolist() == [[5, 8, 3]] * 2


@pytest.mark.parametrize("seed", range(5))
def test_the_rest_is_as_in_a_song_that_comes_near(seed: int) -> None:
    songs = (of_grades(2, 3, 4), of_grades(8, 7, 6))
    completed = prior_of(("iAB", "iAB"), songs).completed(FORM[:3], of_grades(UNKNOWN, 6, UNKNOWN), rng(seed), shift=0)
    np.testing.assert_array_equal(completed, of_grades(8, 6, 6))


# No songs


def test_without_songs_what_is_asked_or_known_is_all_there_is() -> None:
    asked = of_grades(UNKNOWN, 5, RESTS, 5, RESTS)
    np.testing.assert_array_equal(NOBODY.propose(FORM, asked, rng(), shift=0), asked)
    np.testing.assert_array_equal(NOBODY.completed(FORM, asked, rng(), shift=0), asked)
