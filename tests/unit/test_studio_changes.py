"""What becomes of cells when a song is changed: what moves, what turns stale, what stays."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.cast import parse_cast
from phraseloom.chord_chart import parse_chart
from phraseloom.density import parse_density
from phraseloom.errors import RequestError
from phraseloom.form import format_form
from phraseloom.harmony import parse_key
from phraseloom.studio.changes import (
    KEEP,
    SectionChange,
    bars_of_sections,
    cleared,
    with_cast,
    with_cells,
    with_chart,
    with_chords,
    with_density,
    with_key,
    with_locks,
    with_program,
    with_sections,
    with_tempo,
)
from phraseloom.studio.chord_texts import bar_text, parse_bar
from phraseloom.studio.documents import document_of, state_of
from phraseloom.studio.merging import merged
from phraseloom.studio.operations import Operation, Rectangle, noise_levels, selected, work_of
from phraseloom.studio.problems import ConflictError, MemberError
from phraseloom.studio.state import SongState
from phraseloom.transforms import transpose
from support.studio import bars_heard, with_track, written_song

SONG = written_song("i2 A4 B4 A4")
INTRO, VERSE, CHORUS, SECOND_VERSE = (section.id for section in SONG.sections)
MELODY, BRIDGE, DRUMS = range(3)


def all_kept(**changes: SectionChange) -> list[SectionChange]:
    """Every section of the song as it is, but for those that are named."""
    names = dict(zip(("intro", "verse", "chorus", "second_verse"), SONG.sections, strict=True))
    return [changes.get(name, SectionChange(id=section.id)) for name, section in names.items()]


def chords(state: SongState) -> list[list[str | None]]:
    return [[bar_text(bar, state.key) for bar in section.chords] for section in state.sections]


def test_more_bars_are_empty_and_the_old_notes_are_the_same():
    song = with_sections(SONG, all_kept(verse=SectionChange(id=VERSE, num_bars=6)))
    assert format_form(song.form) == "i2 A6 B4 A4"
    assert bars_heard(song) == [0, 1, 2, 3, 4, 5, None, None, 6, 7, 8, 9, 10, 11, 12, 13]
    assert song.tracks[MELODY].cells == "######..########"


def test_fewer_bars_are_cut_off_the_end():
    song = with_sections(SONG, all_kept(verse=SectionChange(id=VERSE, num_bars=1)))
    assert bars_heard(song) == [0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13]


def test_the_chords_of_a_section_go_round_again_in_new_bars():
    song = with_chords(SONG, {VERSE}, 0, [parse_bar(text) for text in ("C", "Am", "F", "G")], fill=False)
    song = with_sections(song, all_kept(verse=SectionChange(id=VERSE, num_bars=6)))
    assert chords(song)[1] == ["C", "Am", "F", "G", "C", "Am"]


def test_a_section_that_moves_takes_notes_locks_and_cells_along():
    song = with_locks(SONG, selected(SONG, [Rectangle(7, 8, ("MELODY",))]), True)
    song = with_sections(song, [SectionChange(id=each) for each in (CHORUS, INTRO, VERSE, SECOND_VERSE)])
    assert bars_heard(song) == [6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 10, 11, 12, 13]
    assert song.tracks[MELODY].locked == "11" + "0" * 12
    assert song.tracks[MELODY].cells == "#" * 14
    assert song.tracks[BRIDGE].locked == "0" * 14


def test_a_copy_has_notes_and_chords_but_no_locks():
    song = with_locks(SONG, selected(SONG, [Rectangle(7, 10)]), True)
    song = with_chords(song, {CHORUS}, 0, [parse_bar("F . G .")], fill=True)
    song = with_sections(song, [SectionChange(id=CHORUS), SectionChange(copy_of=CHORUS, name="Again", renames=True)])
    assert bars_heard(song) == [6, 7, 8, 9] * 2
    assert song.tracks[MELODY].locked == "1111" + "0000"
    assert [section.shown_name for section in song.sections] == ["Chorus", "Again"]
    assert chords(song)[1] == ["F G"] * 4
    assert song.sections[0].id == CHORUS != song.sections[1].id


def test_a_new_section_is_empty_and_one_that_is_left_out_is_gone():
    song = with_sections(SONG, [SectionChange(id=CHORUS), SectionChange(letter="C", num_bars=2)])
    assert bars_heard(song) == [6, 7, 8, 9, None, None]
    assert song.tracks[DRUMS].cells == "####.."


def test_another_letter_makes_stale_and_another_name_does_not():
    song = with_locks(SONG, selected(SONG, [Rectangle(3, 3, ("BRIDGE",))]), True)
    song = with_sections(song, all_kept(verse=SectionChange(id=VERSE, letter="C")))
    assert song.tracks[MELODY].cells == "##====########"
    assert song.tracks[BRIDGE].cells == "###===########"
    renamed = with_sections(SONG, all_kept(verse=SectionChange(id=VERSE, name="Pre-chorus", renames=True)))
    assert renamed.sections[1].letter == "A"
    assert renamed.tracks == SONG.tracks


@pytest.mark.parametrize(
    ("changes", "pointer", "remedy"),
    [
        ([SectionChange(id=1)], "/0", "choose among"),
        ([SectionChange(id=VERSE), SectionChange(letter="C")], "/1", "such as A and 8"),
        ([SectionChange(id=VERSE, copy_of=VERSE)], "/0", "not both"),
    ],
)
def test_sections_that_cannot_be_are_pointed_at(changes, pointer, remedy):
    with pytest.raises(MemberError) as caught:
        with_sections(SONG, changes)
    assert caught.value.pointer == pointer
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("changes", [[], [SectionChange(id=VERSE)] * 2, [SectionChange(letter="A", num_bars=65)] * 2])
def test_forms_that_cannot_be(changes):
    with pytest.raises(RequestError):
        with_sections(SONG, changes)


def test_chords_fill_the_section_and_make_changed_bars_of_pitched_tracks_stale():
    song = with_chords(SONG, {VERSE, SECOND_VERSE}, 0, [parse_bar("C"), parse_bar("Am")], fill=True)
    assert chords(song) == [[None] * 2, ["C", "Am"] * 2, [None] * 4, ["C", "Am"] * 2]
    assert [track.cells for track in song.tracks] == ["##====####====", "##====####====", "#" * 14]
    fresh = with_track(song, MELODY, cells="#" * 14)
    again = with_chords(fresh, {VERSE}, 1, [parse_bar("Am"), KEEP, None], fill=False)
    assert chords(again)[1] == ["C", "Am", "C", None]
    assert again.tracks[MELODY].cells == "#####=########"


def test_chords_behind_the_end_of_a_section_are_left_out():
    song = with_chords(SONG, {INTRO}, 1, [parse_bar("C"), parse_bar("F")], fill=False)
    assert chords(song)[:2] == [[None, "C"], [None] * 4]


def test_a_chart_by_letters_is_laid_over_the_form_and_comes_back_as_spans():
    chart = parse_chart("A: C | F . G Am; B: F G")
    song = with_chart(SONG, chart)
    assert song.score.chords == chart.spans(SONG.form)
    assert chords(song)[1] == ["C", "F . G Am"] * 2


def test_another_key_makes_pitched_cells_stale_and_moves_nothing():
    song = with_key(SONG, parse_key("G"))
    assert [track.cells for track in song.tracks] == ["=" * 14, "=" * 14, "#" * 14]
    assert song.notes_hash == SONG.notes_hash
    assert with_key(song, parse_key("G")) == song


def test_another_tempo_makes_nothing_stale():
    song = with_tempo(SONG, 120)
    assert song.tracks == SONG.tracks
    assert song.score.tempo_bpm == 120


def test_a_cast_makes_stale_what_it_contradicts():
    song = cleared(SONG, selected(SONG, [Rectangle(1, 2, ("MELODY",))]))
    song = with_track(song, MELODY, cells="#" * 14)
    song = with_cast(song, parse_cast("i: melody; B: bridge drums"))
    assert song.tracks[MELODY].cells == "==####====####"
    assert song.tracks[BRIDGE].cells == "==" + "#" * 12
    with_form = with_sections(song, [SectionChange(id=CHORUS)])
    assert str(with_form.cast) == "B: bridge drums"


def test_another_density_makes_stale_what_it_asks_anew():
    song = with_density(SONG, parse_density("A: melody 5; B: all 9"))
    assert song.tracks[MELODY].cells == "##" + "=" * 12
    assert song.tracks[BRIDGE].cells == "######====####"
    written = with_track(song, MELODY, cells="#" * 14)
    changed = with_density(written, parse_density("A: melody 5.5, bridge 3; B: melody 20"))
    assert changed.tracks[MELODY].cells == "######====####"  # 5 and 5.5 are of one grade
    assert changed.tracks[BRIDGE].cells == "##" + "=" * 12
    assert with_density(written, None).tracks == written.tracks
    with_form = with_sections(changed, [SectionChange(id=CHORUS)])
    assert str(with_form.density) == "B: melody 20"


def test_locked_cells_and_those_of_other_programs_never_become_stale():
    song = with_track(with_locks(SONG, selected(SONG, [Rectangle()]), True), BRIDGE, locked="0" * 14, is_writable=False)
    assert with_key(song, parse_key("D")).tracks == song.tracks


def test_locked_cells_are_not_cleared():
    song = with_locks(SONG, selected(SONG, [Rectangle(2, 2)]), True)
    song = cleared(song, selected(song, [Rectangle(1, 3, (1, "DRUMS"))]))
    assert bars_heard(song, MELODY)[:4] == [None, 1, None, 3]
    assert bars_heard(song, BRIDGE)[:4] == [0, 1, 2, 3]
    assert song.tracks[MELODY].cells[:4] == ".#.#"


def test_another_instrument_sounds_otherwise_and_only_there():
    before, after = document_of(SONG), document_of(with_program(SONG, BRIDGE, 4))
    stems = [(old["stem"], new["stem"]) for old, new in zip(before["tracks"], after["tracks"], strict=True)]
    assert [old == new for old, new in stems] == [True, False, True]
    assert before["notes_hash"] != after["notes_hash"]


@given(st.lists(st.booleans(), min_size=42, max_size=42))
@settings(max_examples=25)
def test_only_the_cells_of_the_mask_are_written(marks):
    mask = np.array(marks).reshape(14, 3)
    song = with_cells(with_key(SONG, parse_key("G")), transpose(SONG.score, 1), mask)
    for track in (MELODY, BRIDGE):
        expected = [bar + 1 if mask[bar, track] else bar for bar in range(14)]
        assert bars_heard(song, track) == expected
        assert song.tracks[track].cells == "".join("#" if marked else "=" for marked in mask[:, track])


def test_a_document_is_json_and_comes_back():
    song = with_cast(with_chart(SONG, parse_chart("A: C | F . G Am")), parse_cast("A: all"))
    song = with_density(song, parse_density("B: melody 4.5, all 9"))
    document = json.loads(json.dumps(document_of(song)))
    assert state_of(document) == song
    assert document_of(state_of(document)) == document


def test_a_document_without_a_density_leaves_it_open():
    document = document_of(SONG)
    del document["density"]
    assert state_of(document) == SONG


# What jobs are to write


def test_generate_writes_all_that_is_not_locked():
    song = with_track(with_locks(SONG, selected(SONG, [Rectangle(tracks=("MELODY",))]), True), DRUMS, is_writable=False)
    assert work_of(song, Operation.GENERATE).cells.sum(axis=0).tolist() == [0, 14, 0]


def test_infill_without_cells_weaves_the_gaps():
    song = with_sections(SONG, all_kept(verse=SectionChange(id=VERSE, num_bars=5)))
    song = with_chords(song, {INTRO}, 0, [parse_bar("C")], fill=False)
    work = work_of(song, Operation.INFILL)
    assert np.argwhere(work.cells[:, MELODY]).ravel().tolist() == [0, 6]
    assert np.argwhere(work.cells[:, DRUMS]).ravel().tolist() == [6]


def test_vary_starts_from_its_distance_and_from_nothing_where_nothing_is():
    song = cleared(SONG, selected(SONG, [Rectangle(1, 1)]))
    levels = noise_levels(work_of(song, Operation.VARY, cells=[Rectangle(1, 2, (1,))], distance=0.3))
    assert levels[:3].tolist() == [[1, 0, 0], [0.3, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(("before", "expected"), [(False, range(14, 18)), (True, range(4))])
def test_extend_writes_the_new_bars(before, expected):
    work = work_of(SONG, Operation.EXTEND, form="B4", before=before)
    assert np.flatnonzero(work.cells.all(axis=1)).tolist() == list(expected)
    assert work.cells.any(axis=1).sum() == 4
    assert bars_heard(work.state)[4 if before else 0 :][:14] == list(range(14))


def test_work_that_cannot_be():
    locked = with_locks(SONG, selected(SONG, [Rectangle()]), True)
    with pytest.raises(ConflictError):
        work_of(locked, Operation.GENERATE)
    for form, operation in ((None, Operation.EXTEND), ("A4", Operation.INFILL), ("A128", Operation.EXTEND)):
        with pytest.raises(MemberError) as caught:
            work_of(SONG, operation, form=form)
        assert caught.value.pointer == "/form"
    for cells, pointer in (
        ([Rectangle(), Rectangle(5, 99)], "/cells/1"),
        ([Rectangle(tracks=("MELODY", "OBOE"))], "/cells/0/tracks/1"),
        ([Rectangle(tracks=(4,))], "/cells/0/tracks/0"),
    ):
        with pytest.raises(MemberError) as caught:
            work_of(SONG, Operation.INFILL, cells=cells)
        assert caught.value.pointer == pointer


# What a job wrote, in a song that has gone on


def test_a_take_finds_its_cells_in_a_song_that_was_moved_and_locked():
    written = selected(SONG, [Rectangle(7, 10, ("MELODY",))])
    take = with_cells(SONG, transpose(SONG.score, 1), written)
    song = with_sections(SONG, [SectionChange(id=each) for each in (CHORUS, INTRO, VERSE)])
    song = with_locks(song, selected(song, [Rectangle(2, 2)]), True)
    assert bars_heard(merged(song, SONG, take, written)) == [7, 7, 9, 10, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("before", [False, True])
def test_the_bars_that_a_take_added_are_added(before):
    work = work_of(SONG, Operation.EXTEND, form="C2", before=before)
    take = with_cells(work.state, transpose(written_song("i2 A4 B4 A4 C2").score, 1), work.cells)
    song = with_sections(SONG, [SectionChange(id=CHORUS)])
    new = [1, 2] if before else [15, 16]
    expected = [*new, 6, 7, 8, 9] if before else [6, 7, 8, 9, *new]
    result = merged(song, SONG, take, work.cells)
    assert bars_heard(result) == expected
    assert result.tracks[MELODY].cells == "######"


def test_chords_that_a_take_followed_fill_open_bars_only():
    take = with_chart(SONG, parse_chart("A: C Am; B: F"))
    song = with_chords(SONG, {VERSE}, 0, [parse_bar("G")], fill=False)
    result = merged(song, SONG, take, np.zeros((14, 3), bool))
    assert chords(result)[1:3] == [["G", "Am", "C", "Am"], ["F"] * 4]
    assert bars_of_sections(result, {VERSE}) == [2, 3, 4, 5]
