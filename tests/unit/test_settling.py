"""What priors say of an edit: what new bars take over, chords for songs that say none, how tracks play."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from phraseloom.composer import Composer
from phraseloom.editing import Edit, arrange, extend, infill, restructure, vary
from phraseloom.form import parse_form
from phraseloom.harmony import Key
from phraseloom.repeats import FRESH, RepeatPrior, cell_contents
from phraseloom.request import KNOWN, NEW
from phraseloom.score import Notes, Score, Track
from phraseloom.settling import with_chords, with_returns, with_textures
from phraseloom.texture import LOWEST_GRADE, RESTS, UNKNOWN, Aspect, section_textures
from phraseloom.texture_prior import TexturePrior
from support.networks import CHORDS, SLOTS, TEXTURES, tiny_composer
from support.songs import make_song
from support.textures import prior_of

EVERYTHING = RepeatPrior(3, {(first, None): {(0, 1, 2): 1.0} for first in (True, False)})
"""All that can repeat does."""


@pytest.fixture
def song() -> Score:
    song = make_song(4, num_tracks=2, form="A4 B4", with_drums=True)
    return replace(
        song, tracks=tuple(replace(track, name=slot.name) for track, slot in zip(song.tracks, SLOTS, strict=True))
    )


def settled(edit: Edit, prior: RepeatPrior = EVERYTHING) -> Edit:
    return with_returns(edit, prior, np.random.default_rng(0))


def test_a_returning_section_is_copied(song):
    edit = settled(extend(song, SLOTS, parse_form("A4")))
    contents = cell_contents(edit.score)
    assert np.array_equal(contents[8:], contents[:4])
    assert not edit.request.levels.any()
    assert [str(span.chord) for span in edit.score.chords[8:]] == [str(span.chord) for span in song.chords[:4]]
    assert [span.onset_ticks for span in edit.score.chords[8:]] == [48 * bar for bar in range(8, 12)]


def test_the_latest_of_a_letter_is_copied_and_longer_sections_end_anew(song):
    song = extend(song, SLOTS, parse_form("A2")).score
    other = Notes.from_rows([(48 * 8, 12, 70, 80)])
    track = song.tracks[0]
    song = replace(
        song,
        tracks=(
            replace(track, notes=Notes.build(*np.concatenate([track.notes.table, other.table]).T)),
            *song.tracks[1:],
        ),
    )
    edit = settled(extend(song, SLOTS, parse_form("A6")))
    contents = cell_contents(edit.score)[:, 0]
    assert contents[10] == contents[8]
    assert contents[12] == contents[2]
    assert (edit.request.levels[:, 0] == NEW).nonzero()[0].tolist() == [14, 15]


def test_new_bars_that_repeat_new_bars_are_tied(song):
    edit = settled(extend(song, SLOTS, parse_form("C2 C2")))
    assert (edit.request.levels[8:] == NEW).all()
    assert edit.request.sources[8:].tolist() == [[FRESH] * 3] * 2 + [[8] * 3, [9] * 3]


def test_known_cells_are_told_what_they_repeat(song):
    longer = settled(extend(song, SLOTS, parse_form("A4"))).score
    edit = settled(extend(longer, SLOTS, parse_form("C1")))
    assert (edit.request.sources[8:12] == np.arange(4)[:, None]).all()


def test_tracks_that_the_song_does_not_have_take_nothing_over(song):
    edit = settled(extend(replace(song, tracks=song.tracks[:1]), SLOTS, parse_form("A4")))
    assert len(edit.score.tracks) == 1
    assert (cell_contents(edit.request.song)[:, 1:] == 0).all()


def test_without_repeats_all_is_new(song):
    nothing = RepeatPrior(3, {(True, None): {(): 1.0}})
    edit = settled(restructure(song, SLOTS, parse_form("A4 B4 C2")), nothing)
    assert (edit.request.levels[8:] == NEW).all()
    assert (edit.request.levels[:8] == KNOWN).all()


def test_takes_of_one_seed_take_over_the_same(song, tmp_path):
    composer = tiny_composer(tmp_path)
    first, second = composer.extend(song, "A4 B4", count=2, seed=5)
    (again,) = composer.extend(song, "A4 B4", seed=5)
    assert again.score == first.score
    assert first.score.num_bars == second.score.num_bars == 16
    for take in (first, second):
        assert [track.notes.where(track.notes.onset_ticks < 48 * 8) for track in take.score.tracks] == [
            track.notes.where(track.notes.onset_ticks < 48 * 8) for track in song.tracks
        ]


def test_a_melody_without_chords_is_given_some(song, tmp_path):
    bare = replace(song, chords=())
    edit = with_chords(arrange(bare, SLOTS, ["MELODY=1"]), CHORDS)
    assert edit.score.chords == edit.request.song.chords != ()
    assert sum(span.duration_ticks for span in edit.score.chords) == song.num_ticks
    assert "it was heard as" in edit.remarks[-1]
    take, *_ = tiny_composer(tmp_path).arrange(bare, melody="1", seed=1)
    assert take.score.chords == edit.score.chords
    assert take.remarks == edit.remarks


def test_chords_that_are_there_stay(song):
    edit = arrange(song, SLOTS, ["MELODY=1"])
    assert with_chords(edit, CHORDS) is edit


def test_what_is_not_heard_does_not_count(song):
    """The chords of a song are those of its given track, whatever stood in the others."""
    bare = replace(song, chords=())
    noise = Track(song.tracks[1].name, Notes.from_rows([(48 * bar, 48, 61, 80) for bar in range(8)]))
    other = replace(bare, tracks=(bare.tracks[0], noise, *bare.tracks[2:]))
    found = [with_chords(arrange(each, SLOTS, ["MELODY=1"]), CHORDS).score.chords for each in (bare, other)]
    assert found[0] == found[1]


def test_composers_settle_edits(song, tmp_path):
    composer: Composer = tiny_composer(tmp_path)
    (take,) = composer.restructure(song, "A4 B4 C2", seed=2)
    assert take.score.num_bars == 10


def test_long_songs_return_to_their_own_bars_even_where_the_network_does_not_see_them():
    """The window of 128 bars begins in the middle of A."""
    song = make_song(2, num_tracks=2, form="A20 B60 C60")
    names = zip(song.tracks, SLOTS, strict=False)
    song = replace(song, tracks=tuple(replace(track, name=slot.name) for track, slot in names))
    edit = settled(extend(song, SLOTS, parse_form("A20")))
    contents = cell_contents(edit.score)
    assert edit.first_bar == 32
    assert np.array_equal(contents[140:], contents[:20])
    chords = [span.onset_ticks for span in edit.score.chords if span.onset_ticks >= 48 * 140]
    assert chords[0] == 48 * 140


# Textures


NO_TEXTURES = prior_of()


def told(edit: Edit, prior: TexturePrior = NO_TEXTURES) -> np.ndarray:
    """`[bars, slots, aspects]` the textures that the network is told."""
    texture = with_textures(edit, prior, np.random.default_rng(0)).request.texture
    assert texture is not None
    return texture


def measured(song: Score) -> np.ndarray:
    """`[sections, slots, aspects]`."""
    return section_textures(song, song.sections, len(SLOTS))


@pytest.mark.parametrize("prior", [NO_TEXTURES, TEXTURES])
def test_kept_sections_are_told_as_they_are_and_new_ones_as_in_a_song_that_comes_near(song, prior):
    song = replace(song, key=Key(0, "major"))
    texture = told(infill(song, SLOTS, "5-8"), prior)
    assert texture.shape == (8, len(SLOTS), len(Aspect))
    assert (texture[:4] == measured(song)[0]).all()
    assert (texture[4:] == (UNKNOWN if prior is NO_TEXTURES else TEXTURES.textures[0][2])).all()


def test_new_music_in_a_section_is_as_what_stays_there(song):
    """The notes in the bars that are written anew do not count."""
    edit = infill(song, SLOTS, "3-4", ["MELODY"])
    gone = with_bars(song, 0, range(2, 4))
    assert cell_contents(gone)[2:4, 0].tolist() == [0, 0] != cell_contents(song)[2:4, 0].tolist()
    assert (told(edit)[:4] == measured(gone)[0]).all()
    assert (told(edit)[4:] == measured(song)[1]).all()


def with_bars(song: Score, index: int, silent: range) -> Score:
    """The song with a track that is silent in some bars."""
    notes = song.tracks[index].notes
    kept = notes.where(~np.isin(song.bar_of(notes.onset_ticks), silent))
    return replace(song, tracks=tuple(replace(t, notes=kept) if n == index else t for n, t in enumerate(song.tracks)))


@pytest.mark.parametrize("prior", [NO_TEXTURES, TEXTURES])
def test_a_section_that_returns_is_told_as_the_known_one(song, prior):
    edit = extend(song, SLOTS, parse_form("B2 A4"))
    assert (edit.request.levels[8:] == NEW).all()
    texture = told(edit, prior)
    assert (texture[:4] == measured(song)[0]).all()
    assert (texture[4:8] == measured(song)[1]).all()
    assert (texture[8:10] == texture[4]).all()
    assert (texture[10:] == texture[0]).all()


def test_what_is_taken_over_is_measured(song):
    """Bars that are copied are known."""
    edit = settled(extend(song, SLOTS, parse_form("A1")))
    assert (told(edit)[8:] == measured(edit.score)[2]).all()
    assert (measured(edit.score)[2] != measured(song)[0]).any()


@pytest.mark.parametrize(("distance", "is_own"), [(0.5, True), (1.0, False)])
def test_variations_are_told_how_the_song_is(song, distance, is_own):
    own = measured(song).repeat(4, axis=0)
    assert (told(vary(song, SLOTS, distance)) == (own if is_own else UNKNOWN)).all()


def test_arrangements_are_told_the_given_track_and_others_in_their_way(song):
    song = replace(song, key=Key(0, "major"))
    quiet, busy = (np.full((2, 3, len(Aspect)), number) for number in (3, 7))
    busy[:, 0] = measured(song)[:, 0]
    prior = prior_of(("AB", "AB"), (quiet, busy))
    assert (told(arrange(song, SLOTS, ["MELODY=1"]), prior) == busy.repeat(4, axis=0)).all()


def test_tracks_that_the_song_does_not_have_are_told_to_rest(song):
    texture = told(infill(replace(song, tracks=song.tracks[:1]), SLOTS, "5-8"), TEXTURES)
    assert (texture[:, 1:] == RESTS).all()


def test_what_an_edit_asks_of_textures_is_told(song):
    edit = infill(song, SLOTS, "5-8", ["MELODY", "BRIDGE"])
    asked = np.full((song.num_bars, len(SLOTS), len(Aspect)), UNKNOWN)
    asked[:, 0, Aspect.NOTES] = LOWEST_GRADE + 7
    asked[:, 1] = RESTS
    free = told(edit, TEXTURES)
    texture = told(replace(edit, request=replace(edit.request, texture=asked)), TEXTURES)
    assert (texture[:, 0, Aspect.NOTES] == LOWEST_GRADE + 7).all()
    assert (texture[:, 1] == RESTS).all()
    assert (texture[:4, 0, Aspect.PITCH] == free[:4, 0, Aspect.PITCH]).all()


def test_only_textures_are_added(song):
    edit = infill(song, SLOTS, "5-8")
    added = with_textures(edit, TEXTURES, np.random.default_rng(0))
    assert added.score is edit.score
    assert added.request.song is edit.request.song
    assert added.request.levels is edit.request.levels


def test_an_edit_without_sections_stays_as_it_is(song):
    edit = infill(song, SLOTS, "5-8")
    edit = replace(edit, request=replace(edit.request, song=replace(edit.request.song, sections=())))
    assert with_textures(edit, TEXTURES, np.random.default_rng(0)) is edit


def test_of_a_long_song_the_sections_that_the_network_sees_are_told():
    song = make_song(2, num_tracks=2, form="A20 B60 C60")
    edit = infill(song, SLOTS, "130-131", ["MELODY"])
    assert edit.first_bar > 0
    texture = told(edit)
    assert len(texture) == edit.request.song.num_bars
    assert (texture[edit.request.song.sections[0].num_bars][1] == measured(song)[1][1]).all()
