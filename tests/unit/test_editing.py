"""Edits by hand: which cells they leave open, what the network is shown, and what is refused with which remedy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from phraseloom.composer import RECIPE_PREFIX, Composer
from phraseloom.density import parse_density
from phraseloom.editing import (
    NOTHING_KNOWN,
    arrange,
    corrected,
    extend,
    infill,
    new_section,
    restructure,
    vary,
    with_density,
)
from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.form import MAX_BARS, format_form, parse_form
from phraseloom.harmony import Key, parse_chord
from phraseloom.parts import melody_given, parts_of
from phraseloom.passengers import Message, TrackPassengers
from phraseloom.regions import parse_bars
from phraseloom.request import NEW
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from phraseloom.texture import LOWEST_GRADE, UNKNOWN, Aspect
from phraseloom.transforms import with_notes
from support.networks import SLOTS, tiny_composer
from support.songs import make_song

SOME_NOTES = Notes.from_rows([(48 * bar, 24, 60 + bar, 80) for bar in range(4)])
SONG = Score(
    (Track("Guitar", SOME_NOTES, 25), Track("Drums", SOME_NOTES, is_drum=True), Track(" melody", SOME_NOTES)),
    num_bars=4,
    tempos=(TempoChange(0, 90), TempoChange(96, 120)),
    chords=(ChordSpan(48, 96, parse_chord("C")),),
)
"""Its melody and its drums are slots of the model, its guitar is none, and nothing says what form or key it has."""
LONG_FORM = "A32 B32 A32 B32 C12"


@pytest.fixture(scope="module")
def composer(tmp_path_factory) -> Composer:
    return tiny_composer(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def long_song() -> Score:
    return make_song(2, num_tracks=2, form=LONG_FORM)


def tracks_of(*names: str, drums: tuple[str, ...] = (), silent: tuple[str, ...] = ()) -> Score:
    return Score(
        tuple(Track(name, Notes.empty() if name in silent else SOME_NOTES, is_drum=name in drums) for name in names),
        num_bars=4,
    )


@pytest.mark.parametrize(
    ("song", "expected"),
    [
        (SONG, (2, None, 1)),
        (tracks_of("BRIDGE", "x", "y", "z"), (None, 0, None)),
        (tracks_of("Drums", "Melody"), (1, None, None)),  # drums are not pitched
        (tracks_of("Kit", "Voice", drums=("Kit",)), (1, None, 0)),
        (tracks_of("Voice", "Keys", "Kit", drums=("Kit",)), (0, 1, 2)),
        (tracks_of("Set-up", "Voice", silent=("Set-up",)), (1, None, None)),
        (tracks_of("Kit", "More", drums=("Kit", "More")), (None, None, 0)),
    ],
)
def test_a_slot_s_track_has_its_name_or_else_its_place(song, expected):
    assert parts_of(song, SLOTS) == (expected, None)


@pytest.mark.parametrize(
    ("song", "message"),
    [
        (tracks_of("a", silent=("a",)), "no track for MELODY, BRIDGE, DRUMS"),
        (tracks_of(), "no track for"),
    ],
)
def test_songs_without_any_track_that_the_model_knows_are_refused(song, message):
    with pytest.raises(RequestError, match=message):
        infill(song, SLOTS)


@pytest.mark.parametrize("tracks", [["drums"], ["2"], [" Drums "], ["2", "drums"]])
def test_an_infill_leaves_the_named_cells_open(tracks):
    edit = infill(SONG, SLOTS, "2-3", tracks)
    assert edit.request.levels.tolist() == [[0, 0, 0], [0, 0, NEW], [0, 0, NEW], [0, 0, 0]]
    assert edit.score is SONG
    assert (edit.first_bar, edit.request.has_start, edit.request.has_end) == (0, True, True)


def test_without_bars_and_tracks_all_that_the_model_can_write_is_open():
    assert infill(SONG, SLOTS).request.levels.tolist() == [[NEW, 0, NEW]] * 4


def test_the_network_sees_a_track_a_slot_with_form_and_key():
    seen = infill(SONG, SLOTS, "2").request.song
    assert [(track.name, len(track.notes), track.is_drum) for track in seen.tracks] == [
        (" melody", 4, False),
        ("BRIDGE", 0, False),
        ("Drums", 4, True),
    ]
    assert sum(section.num_bars for section in seen.sections) == 4
    assert seen.key is not None
    assert (seen.chords, seen.tempos) == (SONG.chords, SONG.tempos)


def test_a_variation_starts_at_its_distance():
    assert vary(SONG, SLOTS, 0.25, "1").request.levels.tolist() == [[0.25, 0, 0.25]] + [[0, 0, 0]] * 3


@pytest.mark.parametrize("distance", [-0.1, 1.1, float("nan")])
def test_distances_are_0_to_1(distance):
    with pytest.raises(RequestError, match=f"distance is {distance}"):
        vary(SONG, SLOTS, distance)


@pytest.mark.parametrize(
    ("tracks", "message", "remedy"),
    [
        (["guitar"], "does not write 1 Guitar", "2 Drums"),
        (["organ"], "no track 'organ'", "1 Guitar, 2 Drums, 3"),
        (["0"], "no track '0'", "choose among"),
        (["4"], "no track '4'", "choose among"),
        ([""], "no track ''", "choose among"),
        ([], "no track is named", "leave the tracks out"),
    ],
)
def test_tracks_that_cannot_be_written_are_refused(tracks, message, remedy):
    with pytest.raises(RequestError, match=message) as caught:
        infill(SONG, SLOTS, "1", tracks)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    "edit",
    [
        lambda song: infill(song, SLOTS),
        lambda song: vary(song, SLOTS, 0),
        lambda song: extend(song, SLOTS, parse_form("A2")),
        lambda song: extend(song, SLOTS, parse_form("A2"), before=True),
        lambda song: arrange(song, SLOTS, ["Melody=3"]),
    ],
)
@pytest.mark.parametrize("meter", [(3, 4), (2, 4), (6, 8)])
def test_songs_in_another_meter_are_refused(edit, meter):
    song = replace(SONG, num_bars=8, meters=(MeterChange(0, 4, 4), MeterChange(4, *meter)))
    with pytest.raises(UnsupportedScoreError, match=f"4/4, {meter[0]}/{meter[1]}"):
        edit(song)


def test_a_song_goes_on_with_silent_bars_to_be_written():
    edit = extend(SONG, SLOTS, parse_form("B1 o1"))
    assert edit.request.levels.tolist() == [[0, 0, 0]] * 4 + [[NEW, 0, NEW]] * 2
    assert edit.score.num_bars == 6
    assert edit.score.sections[-2:] == parse_form("B1 o1")
    assert [track.notes for track in edit.score.tracks] == [SOME_NOTES] * 3
    assert (edit.score.chords, edit.score.tempos, edit.score.key) == (SONG.chords, SONG.tempos, None)


def test_bars_at_the_front_move_all_that_is_there():
    song = replace(SONG, meters=(MeterChange(0, 4, 4), MeterChange(2, 2, 2)), sections=parse_form("A3 B1"))
    edit = extend(song, SLOTS, parse_form("i2"), before=True)
    assert edit.request.levels.tolist() == [[NEW, 0, NEW]] * 2 + [[0, 0, 0]] * 4
    assert edit.score.sections == parse_form("i2 A3 B1")
    assert [track.notes for track in edit.score.tracks] == [SOME_NOTES.shifted(96)] * 3
    assert edit.score.chords == (ChordSpan(144, 96, parse_chord("C")),)
    assert edit.score.tempos == (TempoChange(0, 90), TempoChange(192, 120))
    assert edit.score.meters == (MeterChange(0, 4, 4), MeterChange(4, 2, 2))


@pytest.mark.parametrize(("form", "asked"), [("A64 B64", 128), ("A125", 125), ("", 0)])
def test_some_of_the_song_must_be_seen_when_it_goes_on(form, asked):
    with pytest.raises(RequestError, match=f"go on for {asked} bars") as caught:
        extend(SONG, SLOTS, parse_form(form) if form else ())
    assert caught.value.remedy == "ask for 1 to 124 bars at a time"
    assert extend(SONG, SLOTS, parse_form("A124")).score.num_bars == MAX_BARS


@pytest.mark.parametrize(("form", "letter"), [("A4", "B"), ("i2 B2", "A"), ("A1 C1 B1 a1", "D")])
def test_a_new_section_has_a_letter_of_its_own(form, letter):
    assert new_section(replace(SONG, sections=parse_form(form)), 7) == parse_form(f"{letter}7")


def test_a_new_section_of_a_song_without_form():
    (section,) = new_section(SONG, 3)
    assert section.num_bars == 3


@pytest.mark.parametrize(("num_bars", "letters"), [(0, "A"), (129, "A"), (4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
def test_where_no_section_can_be_new(num_bars, letters):
    song = Score((), len(letters), sections=parse_form(" ".join(f"{letter}1" for letter in letters)))
    with pytest.raises(RequestError):
        new_section(song, num_bars)


@pytest.mark.parametrize(
    ("bars", "first_bar", "has_start", "has_end"),
    [("1", 0, True, False), ("70-73", 7, False, False), ("140", 12, False, True), ("20,139", 12, False, True)],
)
def test_a_long_song_is_seen_around_the_place(long_song, bars, first_bar, has_start, has_end):
    edit = infill(long_song, SLOTS, bars)
    assert (edit.first_bar, edit.request.has_start, edit.request.has_end) == (first_bar, has_start, has_end)
    assert len(edit.request.levels) == edit.request.song.num_bars == MAX_BARS
    asked = np.flatnonzero(parse_bars(bars, 140))
    assert (np.flatnonzero(edit.request.levels[:, 0]) + first_bar).tolist() == asked.tolist()


@pytest.mark.parametrize("bars", [None, "1-121", "1,140"])
def test_more_of_a_long_song_than_is_seen_at_once_is_refused(long_song, bars):
    with pytest.raises(RequestError, match="of a song of 140") as caught:
        infill(long_song, SLOTS, bars)
    assert "120" in caught.value.remedy


def test_what_is_drawn_in_a_window_lands_in_its_place(long_song):
    edit = infill(long_song, SLOTS, "70", ["bridge"])
    drawn = Notes.from_rows([(48 * bar + 5, 6, 100, 90) for bar in range(MAX_BARS)])
    after = edit.finished(with_notes(edit.request.song, [drawn] * 3))
    bridge = long_song.tracks[1].notes
    is_open = long_song.bar_of(bridge.onset_ticks) == 69
    assert after.tracks[0] == long_song.tracks[0]
    rows = [*bridge.where(~is_open).table.tolist(), (48 * 69 + 5, 6, 100, 90)]
    assert after.tracks[1].notes == Notes.from_rows(rows)


def test_notes_that_ring_over_the_borders_are_kept_and_drawn_ones_yield():
    kept = [(40, 20, 60, 80), (96, 12, 61, 80)]
    song = Score((Track("MELODY", Notes.from_rows([*kept, (50, 5, 70, 80)])),), num_bars=3, key=Key(0, "major"))
    edit = infill(song, SLOTS, "2")
    drawn = Notes.from_rows([(48, 6, 60, 9), (60, 6, 60, 9), (72, 99, 61, 9), (60, 99, 62, 9), (0, 9, 63, 9)])
    after = edit.finished(with_notes(edit.request.song, [drawn, Notes.empty(), Notes.empty()]))
    expected = [*kept, (60, 6, 60, 9), (72, 24, 61, 9), (60, 99, 62, 9)]
    assert after.tracks[0].notes == Notes.from_rows(expected)


def test_an_arrangement_adds_the_parts_that_the_song_does_not_have():
    edit = arrange(SONG, SLOTS, ["Melody=1", "drums=DRUMS"])
    assert edit.score.tracks[:3] == SONG.tracks
    assert edit.score.tracks[3:] == (Track("BRIDGE", Notes.empty(), program=48),)
    assert edit.track_of_slot == (0, 3, 1)
    assert edit.request.levels.tolist() == [[0, NEW, 0]] * 4
    assert edit.request.song.tracks[0] == SONG.tracks[0]


PEDAL, VOLUME, LYRIC = (bytes.fromhex(data) for data in ("b0407f", "b00764", "ff056c61"))


def accompanied() -> Score:
    """Two bridges, one of them with a pedal, between a voice, a guitar and drums."""
    messages = (Message(0, VOLUME), Message(0, PEDAL), Message(480, LYRIC))
    bridge = Track("Bridge", SOME_NOTES, 33, passengers=TrackPassengers(messages))
    others = tracks_of("Voice", "bridge", "Guitar", "DRUMS", drums=("DRUMS",)).tracks
    return Score((others[0], bridge, *others[1:]), num_bars=4)


def test_an_arrangement_writes_in_place_of_the_tracks_of_its_name():
    edit = arrange(accompanied(), SLOTS, ["Melody=Voice"], locked="3: 2")
    assert [track.name for track in edit.score.tracks] == ["Voice", "Bridge", "Guitar", "DRUMS"]
    assert edit.track_of_slot == (0, 1, 3)
    assert edit.score.tracks[1].program == 33
    assert [message.data for message in edit.score.tracks[1].passengers.messages] == [VOLUME, LYRIC]
    silent = [Notes.empty()] * 3
    after = edit.finished(with_notes(edit.request.song, silent))
    assert [len(track.notes) for track in after.tracks] == [4, 0, 4, 0]
    assert edit.locked is None, "the track that was locked is gone"


def test_an_arrangement_leaves_all_tracks_when_asked_to():
    edit = arrange(accompanied(), SLOTS, ["Melody=Voice", "Drums=DRUMS"], keep_others=True)
    assert edit.score.tracks[:5] == accompanied().tracks
    assert edit.track_of_slot == (0, 5, 4)
    assert edit.told["keep_others"]


def test_an_arrangement_does_not_write_what_is_locked():
    edit = arrange(accompanied(), SLOTS, ["Melody=Voice"], locked="Guitar; Drums: 2-3")
    assert edit.request.levels.tolist() == [[0, NEW, NEW], [0, NEW, 0], [0, NEW, 0], [0, NEW, NEW]]
    assert edit.locked is not None
    assert edit.locked.sum(axis=0).tolist() == [0, 0, 4, 2]


@pytest.mark.parametrize(("track", "expected"), [(None, "MELODY=2"), ("Bass", "MELODY=Bass"), ("1", "MELODY=1")])
def test_the_melody_is_found_where_it_is_not_said(track, expected):
    chords = Notes.from_rows([(48 * bar, 48, pitch, 80) for bar in range(4) for pitch in (60, 64, 67)])
    song = Score((Track("Chords", chords), Track("Line", SOME_NOTES), Track("Bass", SOME_NOTES.transposed(-36))), 4)
    assert melody_given(song, SLOTS, track) == expected


def test_without_pitched_notes_there_is_no_melody():
    with pytest.raises(RequestError, match="no pitched notes"):
        melody_given(tracks_of("Kit", drums=("Kit",)), SLOTS)


@pytest.mark.parametrize(
    ("given", "message", "remedy"),
    [
        ([], "something given and something to write", "MELODY=1"),
        (["Melody=1", "Bridge=3", "Drums=2"], "something given and something to write", "but not for all"),
        (["1"], "'1' gives no track", "MELODY=1"),
        (["Organ=1"], "no part 'Organ'", "MELODY, BRIDGE, DRUMS"),
        (["Melody=9"], "no track '9'", "choose among"),
        (["Melody="], "no track ''", "choose among"),
        (["Melody=1", "melody=3"], "MELODY is given twice", "one track for each"),
        (["Melody=2"], "MELODY is pitched, 2 Drums is not", "another track"),
        (["Drums=1"], "DRUMS is drums, 1 Guitar is not", "another track"),
    ],
)
def test_arrangements_that_cannot_be_are_refused(given, message, remedy):
    with pytest.raises(RequestError, match=message) as caught:
        arrange(SONG, SLOTS, given)
    assert remedy in caught.value.remedy


def test_a_song_too_long_to_be_arranged_is_refused(long_song):
    with pytest.raises(RequestError, match="140 bars, 128 can be arranged"):
        arrange(long_song, SLOTS, ["Melody=1"])


def test_a_take_tells_how_it_came_to_be(composer):
    take = composer.edit(infill(SONG, SLOTS, "2-3", ["melody"]), seed=7, steps=2)
    assert take.seed == 7
    assert take.report["bars"] == {"asked": 4, "got": 4}
    assert take.report["written_cells"]["asked"] == 2
    assert 0 <= take.report["written_cells"]["got"] <= 2
    assert take.seconds.keys() == {"load", "sampling", "decoding"}
    made_by = json.loads(take.recipe.removeprefix(RECIPE_PREFIX))
    assert made_by["edit"] == {"kind": "infill", "bars": "2-3", "tracks": ["melody"]}
    assert (made_by["seed"], made_by["steps"], made_by["weights"]) == (7, 2, composer.model.fingerprint)


def test_the_same_seed_gives_the_same_take_and_another_seed_another(composer):
    edit = infill(make_song(0), SLOTS, "3-8")
    one, again, other = (composer.edit(edit, seed=seed, steps=2).score for seed in (1, 1, 2))
    assert one == again != other
    assert one != edit.score


def test_an_edit_that_leaves_nothing_open_gives_the_very_song(composer):
    take = composer.edit(vary(SONG, SLOTS, 0), seed=7)
    assert take.score is SONG
    assert json.loads(take.recipe.removeprefix(RECIPE_PREFIX))["edit"]["distance"] == 0
    assert composer.edit(vary(SONG, SLOTS, 1e-60), seed=7).score is SONG


def test_what_is_locked_is_never_written(composer):
    edit = infill(SONG, SLOTS, "2-3", locked="drums: 2; 3: 3; guitar")
    assert edit.request.levels.tolist() == [[0, 0, 0], [NEW, 0, 0], [0, 0, NEW], [0, 0, 0]]
    take = composer.edit(edit, seed=1, steps=1)
    assert json.loads(take.recipe.removeprefix(RECIPE_PREFIX))["locked"] == "Guitar; Drums: 2; melody: 3"
    assert vary(SONG, SLOTS, 0.5, locked="drums").request.levels.tolist() == [[0.5, 0, 0]] * 4


@pytest.mark.parametrize("locked", ["all", "drums; melody", "drums; 3: 2-3"])
def test_a_region_that_is_all_locked_is_refused(locked):
    with pytest.raises(RequestError, match="all that was to be written is locked"):
        infill(SONG, SLOTS, "2-3", locked=locked)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda song: extend(song, SLOTS, parse_form("A2"), locked="drums: 1,4"), [0, 3]),
        (lambda song: extend(song, SLOTS, parse_form("A2"), before=True, locked="drums: 1,4"), [2, 5]),
        (lambda song: restructure(song, SLOTS, parse_form("B2 C1 A2"), locked="drums: 1,4"), [1, 3]),
        (lambda song: restructure(song, SLOTS, parse_form("C3"), locked="drums: 1,4"), None),
    ],
)
def test_locks_move_with_their_bars(edit, expected):
    locked = edit(replace(SONG, sections=parse_form("A2 B2"))).locked
    found = None if locked is None else np.flatnonzero(locked[:, 1]).tolist()
    assert found == expected


def test_a_region_that_leaves_nothing_known_is_told():
    song = tracks_of("MELODY", "BRIDGE", "DRUMS", drums=("DRUMS",))
    assert infill(song, SLOTS).remarks == (NOTHING_KNOWN,)
    assert infill(song, SLOTS, "1-3").remarks == ()
    assert infill(song, SLOTS, tracks=["1", "2"]).remarks == ()
    assert vary(song, SLOTS, 0.9).remarks == ()
    assert extend(song, SLOTS, parse_form("A4")).remarks == ()


@pytest.mark.parametrize(
    ("meters", "form", "num_bars", "expected"),
    [
        ([(0, 1, 4)], "A8 B8", 4, "A2 B2"),
        ([(0, 1, 4)], "A7 B9", 4, ""),
        ([(0, 3, 4)], "A16", 12, "A12"),
        ([(0, 3, 4)], "", 12, ""),
        ([(0, 2, 4), (2, 4, 4)], "i2 A14", 15, "i1 A14"),
        ([(0, 7, 8)], "A15 B1", 14, ""),
        ([(0, 1, 4)], "A1 B1 A1 B13", 4, ""),
    ],
)
def test_a_song_in_other_bars_can_be_read_in_four(meters, form, num_bars, expected):
    song = Score(SONG.tracks, 16, [MeterChange(*meter) for meter in meters], sections=parse_form(form) if form else ())
    told = corrected(song, in_four=True)
    assert (told.num_bars, told.meters) == (num_bars, (MeterChange(0, 4, 4),))
    assert format_form(told.sections) == expected
    assert told.tracks == song.tracks
    infill(told, SLOTS, "2")


def test_a_song_in_four_stays_as_it_is():
    song = replace(SONG, num_bars=8, meters=(MeterChange(0, 4, 4), MeterChange(4, 2, 2)))
    assert corrected(song, in_four=True) is song


def test_an_edit_asks_for_so_many_notes_in_the_window_that_is_drawn(long_song):
    edit = infill(long_song, SLOTS, "133-136", ["MELODY"])
    asked = with_density(edit, parse_density("C: melody 1; B: bridge 40"))
    texture = asked.request.texture
    assert edit.first_bar == 12
    assert texture.shape[:2] == (128, len(SLOTS))
    noted = texture[..., Aspect.NOTES] - LOWEST_GRADE
    assert [set(noted[first:behind, 0]) for first, behind in ((0, 116), (116, 128))] == [{UNKNOWN - LOWEST_GRADE}, {0}]
    assert set(noted[20:52, 1]) == {7}
    assert asked.told["density"] == "C: melody 1; B: bridge 40"
    with pytest.raises(RequestError, match="a density is given for Q"):
        with_density(edit, parse_density("Q: melody 1"))


def test_what_the_user_says_of_a_song_goes_before_what_it_says():
    told = corrected(SONG, key="F# minor", tempo_bpm=77, form="A3 B1")
    assert (told.key, told.tempos, told.sections) == (Key(6, "minor"), (TempoChange(0, 77),), parse_form("A3 B1"))
    assert corrected(SONG) is SONG
    for wrong, message in (({"form": "A3"}, "has 3 bars, the song 4"), ({"tempo_bpm": 0}, "the tempo is 0")):
        with pytest.raises(RequestError, match=message):
            corrected(SONG, **wrong)


def test_nothing_need_be_known(composer):
    song = tracks_of("MELODY", "BRIDGE", "DRUMS", drums=("DRUMS",))
    take = composer.edit(infill(song, SLOTS), seed=1, steps=2)
    assert take.score.num_notes > 0
    assert all(new.notes != old.notes for new, old in zip(take.score.tracks, song.tracks, strict=True))


@pytest.mark.parametrize("before", [False, True])
def test_a_song_goes_on_past_the_longest_that_the_model_sees(composer, before):
    song = make_song(3, num_tracks=2, form="A32 B32 A32 B24")
    take = composer.edit(extend(song, SLOTS, parse_form("C20"), before=before), seed=1, steps=1)
    assert take.score.num_bars == 140
    shift = 48 * 20 * before
    for new, old in zip(take.score.tracks, song.tracks, strict=True):
        is_old = np.isin(new.notes.onset_ticks // 48, np.arange(20 * before, 120 + 20 * before))
        assert new.notes.where(is_old) == old.notes.shifted(shift)
        assert not is_old.all()


@pytest.mark.parametrize(("seed", "steps"), [(-1, 2), (1, 0)])
def test_seed_and_steps_are_checked_also_where_nothing_is_open(composer, seed, steps):
    with pytest.raises(RequestError, match="allowed are"):
        composer.edit(vary(SONG, SLOTS, 0), seed=seed, steps=steps)


def test_a_song_in_another_form_is_its_own_sections_and_new_ones(composer: Composer) -> None:
    song = make_song(3, form="i2 A4 B4 A4")
    edit = restructure(song, SLOTS, parse_form("B4 A4 C2 A6 A4"))
    came_from = [*range(6, 10), *range(2, 6), None, None, *range(10, 14), None, None, *range(10, 14)]
    assert (edit.request.levels[:, 0] == NEW).tolist() == [bar is None for bar in came_from]
    taken = composer.edit(edit, seed=1, steps=2).score
    assert format_form(taken.sections) == "B4 A4 C2 A6 A4"
    for track, own in zip(taken.tracks, song.tracks, strict=True):
        for place, bar in enumerate(came_from):
            if bar is not None:
                notes, true = (
                    t.notes.where(s.bar_of(t.notes.onset_ticks) == b)
                    for s, t, b in ((taken, track, place), (song, own, bar))
                )
                assert (notes.pitch == true.pitch).all()
                assert (notes.onset_ticks - 48 * place == true.onset_ticks - 48 * bar).all()
    assert [span.chord for span in taken.chords][:4] == [span.chord for span in song.chords][6:10]


def test_a_form_of_the_song_s_own_sections_needs_no_network(composer: Composer) -> None:
    song = make_song(3, form="A4 B4")
    taken = composer.edit(restructure(song, SLOTS, parse_form("B4 A4 B4")), seed=1)
    assert "sampling" not in taken.seconds
    assert taken.score.num_bars == 12


def test_a_form_that_is_too_long_is_refused() -> None:
    with pytest.raises(RequestError, match="has 200 bars"):
        restructure(SONG, SLOTS, parse_form("A100 B100"))
