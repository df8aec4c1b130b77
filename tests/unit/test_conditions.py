"""What the song transformer is told: worked by hand, and in range for any plan."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.form import MAX_BARS, num_bars_of, parse_form, propose_form
from phraseloom.harmony import parse_chord
from phraseloom.models.conditions import (
    GROUPS,
    NUM_RELATIONS,
    NUM_VALUES,
    PER_BAR_GROUPS,
    ConditionEmbedding,
    SongConditions,
    bar_relations,
    chord_numbers,
    collate_conditions,
    homologous_bars,
    is_homologous,
    song_conditions,
)
from phraseloom.texture import NUM_GRADES, Aspect

OF_A_SONG = ("num_bars", "tempo", "mode", "shared_noise")
NUM_SLOTS = 2
CHORDS = [parse_chord(text) for text in ("C", "Am/G", "Dm7", "N.C.")]
"""Of the beats of a bar."""


def told(
    form: str, tempo_bpm: float | None = 120, mode: str | None = "major", **others: bool | float | np.ndarray
) -> dict[str, np.ndarray]:
    return song_conditions(parse_form(form), NUM_SLOTS, tempo_bpm=tempo_bpm, mode=mode, **others)


GRADES = 2 + np.arange(len(Aspect)) % 8
"""One of each aspect."""


def all_told(form: str) -> dict[str, np.ndarray]:
    """Of the first slot that it repeats in silence, of the second that it sounds for the first time, and how."""
    num_bars = num_bars_of(parse_form(form))
    is_second = np.tile([False, True], (num_bars, 1))
    return told(
        form,
        sounds=np.where(is_second, 2, 1),
        is_repeated=~is_second,
        texture=np.where(is_second[..., None], GRADES, 1),
        chords=chord_numbers(CHORDS * num_bars),
    )


def batch_of(*forms: str, num_bars: int = 12) -> SongConditions:
    return collate_conditions([all_told(form) for form in forms], num_bars)


def test_a_song_worked_by_hand():
    values = {name: value.tolist() for name, value in told("i2 A4 B4").items()}
    assert values == {
        "is_bar": [True] * 10,
        "letter": [9, 9, 27, 27, 27, 27, 28, 28, 28, 28],
        "instance": [1] * 10,
        "offset": [1, 2, 1, 2, 3, 4, 1, 2, 3, 4],
        "bars_left": [2, 1, 4, 3, 2, 1, 4, 3, 2, 1],
        "section_num_bars": [2, 2, 4, 4, 4, 4, 4, 4, 4, 4],
        "section": [1, 1, 2, 2, 2, 2, 3, 3, 3, 3],
        "from_start": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        "to_end": [10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
        "num_bars": [10],
        "tempo": [14],  # 120 bpm is 12.7 eighths of an octave above 40
        "mode": [1],
        "sounds": [[0, 0]] * 10,
        "repeats": [[0, 0]] * 10,
        "texture": [[[0] * len(Aspect)] * 2] * 10,
        "shared_noise": [1],
        "chord_root": [[0] * 4] * 10,
        "chord_bass": [[0] * 4] * 10,
        "chord_tones": [[0] * 4] * 10,
    }


def test_cells_and_chords_worked_by_hand():
    values = told(
        "A2",
        sounds=np.array([[2, 1], [2, 2]]),
        is_repeated=np.array([[False, False], [True, False]]),
        chords=chord_numbers([*CHORDS, None, *CHORDS[:3]]),
    )
    assert values["sounds"].tolist() == [[2, 1], [2, 2]]
    assert values["repeats"].tolist() == [[1, 1], [2, 1]]
    assert values["chord_root"].tolist() == [[1, 10, 3, 13], [0, 1, 10, 3]]
    assert values["chord_bass"].tolist() == [[1, 8, 3, 0], [0, 1, 8, 3]]
    c_e_g, a_c_e_g, d_f_a_c = 1 + 2**4 + 2**7, 1 + 2**4 + 2**7 + 2**9, 1 + 2**2 + 2**5 + 2**9
    assert values["chord_tones"].tolist() == [[c_e_g, a_c_e_g, d_f_a_c, 0], [0, c_e_g, a_c_e_g, d_f_a_c]]


def test_textures_are_told_as_they_are():
    """Those of some bars may be unknown."""
    own = [2, 3, 4, 5, 9, 8, 7, 6, 2]
    texture = np.array([[[1] * len(Aspect), own], [[0] * len(Aspect), own]])
    np.testing.assert_array_equal(told("A2", texture=texture)["texture"], texture)


@pytest.mark.parametrize(("share", "number"), [(0.0, 1), (0.125, 2), (0.3, 3), (0.5, 5), (0.99, 9), (1.0, 9)])
def test_shared_noise_is_told_in_eighths(share, number):
    assert told("A2", shared_noise=share)["shared_noise"].tolist() == [number]


def test_chords_are_four_a_bar():
    assert chord_numbers([None] * 8).shape == (2, 4, 3)
    assert chord_numbers([]).shape == (0, 4, 3)


def test_sections_with_one_letter_are_counted():
    assert told("A1 B1 A2 a1 A1 B1")["instance"].tolist() == [1, 1, 2, 2, 1, 3, 2]


@pytest.mark.parametrize(("letter", "number"), [("a", 1), ("z", 26), ("A", 27), ("Z", 52)])
def test_every_letter_has_its_number(letter, number):
    assert told(f"{letter}1")["letter"].tolist() == [number]


@pytest.mark.parametrize(
    ("tempo_bpm", "number"), [(None, 0), (10, 1), (40, 1), (43.5, 2), (80, 9), (160, 17), (293, 24), (600, 24)]
)
def test_tempos_are_told_in_eighths_of_an_octave(tempo_bpm, number):
    assert told("A1", tempo_bpm=tempo_bpm)["tempo"].tolist() == [number]


@pytest.mark.parametrize(("mode", "number"), [(None, 0), ("major", 1), ("minor", 2)])
def test_modes_have_their_numbers(mode, number):
    assert told("A1", mode=mode)["mode"].tolist() == [number]


def test_long_sections_and_far_edges_are_told_up_to_a_limit():
    values = told("A40")
    assert values["offset"].tolist() == [*range(1, 33), *[32] * 8]
    assert values["bars_left"].tolist() == [*[32] * 8, *range(32, 0, -1)]
    assert set(values["section_num_bars"].tolist()) == {32}
    assert values["from_start"].tolist() == [*range(1, 17), *[16] * 24]
    assert values["to_end"].tolist() == [*[16] * 24, *range(16, 0, -1)]


def test_sections_beyond_the_eighth_are_told_as_the_eighth():
    assert told("A1 " * 10)["instance"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8]


@pytest.mark.parametrize(
    ("edges", "unknown"),
    [({"has_start": False}, {"from_start"}), ({"has_end": False}, {"to_end"}),
     ({"has_start": False, "has_end": False}, {"from_start", "to_end"})],
)  # fmt: skip
def test_an_excerpt_is_not_told_how_far_the_missing_edges_are(edges, unknown):
    whole, excerpt = told("A4 B4"), told("A4 B4", **edges)
    for name, value in whole.items():
        expected = [0] * 8 if name in unknown else value.tolist()
        assert excerpt[name].tolist() == expected


@given(st.integers(1, MAX_BARS), st.integers(0), st.floats(10, 600), st.sampled_from([None, "major", "minor"]))
def test_all_that_is_told_is_known_and_in_range(num_bars, seed, tempo_bpm, mode):
    sections = propose_form(num_bars, np.random.default_rng(seed))
    values = song_conditions(sections, NUM_SLOTS, tempo_bpm=tempo_bpm, mode=mode)
    for name, size in NUM_VALUES.items():
        assert len(values[name]) == (1 if name in OF_A_SONG else num_bars)
        assert values[name].max() < size
        assert values[name].min() >= (0 if name == "mode" else 1)


def test_songs_of_different_lengths_are_padded_with_zeros():
    batch = batch_of("A4 B4", "i2", num_bars=16)
    for name, value in batch._asdict().items():
        assert value.dtype == (torch.bool if name == "is_bar" else torch.int64)
        of_cells = {"sounds": (NUM_SLOTS,), "repeats": (NUM_SLOTS,), "texture": (NUM_SLOTS, len(Aspect))}
        of_a_bar = of_cells.get(name, (4,) if "chord" in name else ())
        assert value.shape == (2, 1 if name in OF_A_SONG else 16, *of_a_bar)
    assert batch.is_bar.sum(dim=1).tolist() == [8, 2]
    assert batch.letter[1].tolist() == [9, 9] + [0] * 14
    assert batch.from_start[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8] + [0] * 8
    assert batch.num_bars.tolist() == [[8], [2]]
    assert batch.repeats[1].tolist() == [[2, 1]] * 2 + [[0, 0]] * 14
    assert batch.chord_root[1, :3].tolist() == [[1, 10, 3, 13]] * 2 + [[0] * 4]
    assert batch.texture[1, :3].tolist() == [[[1] * len(Aspect), GRADES.tolist()]] * 2 + [[[0] * len(Aspect)] * 2]
    assert batch.shared_noise.tolist() == [[1], [1]]


def test_songs_of_one_bar_are_padded_too():
    assert batch_of("A1", num_bars=4).letter.tolist() == [[27, 0, 0, 0]]


def test_all_conditions_belong_to_exactly_one_group():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(set(SongConditions._fields) - {"is_bar"})


@pytest.mark.parametrize("group", GROUPS)
def test_leaving_a_group_out_blanks_that_group_of_the_chosen_songs(group):
    batch = batch_of("A4 B4 A4", "i2 A4")
    left = batch.without(group, torch.tensor([False, True]))
    for name in SongConditions._fields:
        before, after = getattr(batch, name), getattr(left, name)
        assert torch.equal(after[0], before[0])
        assert torch.equal(after[1], torch.zeros_like(before[1]) if name in GROUPS[group] else before[1])


@pytest.mark.parametrize("group", PER_BAR_GROUPS)
def test_leaving_a_group_out_in_some_bars_blanks_it_there(group):
    batch = batch_of("A4 B4 A4", "i2 A4")
    chosen = torch.zeros(2, 12, dtype=torch.bool)
    chosen[0, 2], chosen[1, 4:] = True, True
    left = batch.without(group, chosen)
    for name in SongConditions._fields:
        before, after = getattr(batch, name), getattr(left, name)
        if name in GROUPS[group]:
            assert not after[chosen].any()
            assert torch.equal(after[~chosen], before[~chosen])
        else:
            assert torch.equal(after, before)


def test_relations_worked_by_hand():
    """1, and 1 for the same letter, 2 for the same offset, 4 for the same section; homologous bars are 1 + 1 + 2."""
    relations = bar_relations(batch_of("A2 B2 A2", num_bars=7))[0]
    assert relations[0].tolist() == [8, 6, 3, 1, 4, 2, 0]
    assert relations[1].tolist() == [6, 8, 1, 3, 2, 4, 0]
    assert relations[2].tolist() == [3, 1, 8, 6, 3, 1, 0]
    assert relations[6].tolist() == [0] * 7


def test_bars_of_one_letter_and_offset_are_homologous():
    """Also those of sections of other lengths; a letter has other bars than its capital."""
    batch = batch_of("A2 B3 A3 a2", "i2 A1 A1", num_bars=11)
    assert homologous_bars(batch).tolist() == [
        [0, 1, 2, 3, 4, 0, 1, 7, 8, 9, 10],
        [0, 1, 2, 2, 4, 5, 6, 7, 8, 9, 10],  # behind the end every bar is its own
    ]


def test_without_the_form_every_bar_is_its_own():
    batch = batch_of("A4 A4", "A4 A4", num_bars=8).without("form", torch.tensor([True, False]))
    assert homologous_bars(batch).tolist() == [list(range(8)), [0, 1, 2, 3] * 2]


@given(st.integers(1, MAX_BARS), st.integers(0))
def test_homologous_bars_are_those_that_their_relation_says(num_bars, seed):
    sections = propose_form(num_bars, np.random.default_rng(seed))
    conditions = collate_conditions([song_conditions(sections, NUM_SLOTS, tempo_bpm=None, mode=None)], num_bars + 2)
    group, related = homologous_bars(conditions)[0], is_homologous(bar_relations(conditions))[0]
    assert torch.equal(related[:num_bars, :num_bars], (group[:, None] == group)[:num_bars, :num_bars])
    assert not related[num_bars:].any()
    assert (group <= torch.arange(num_bars + 2)).all()
    assert torch.equal(group[group], group)


def test_homologous_relations_are_those_of_letter_and_offset():
    assert is_homologous(torch.arange(NUM_RELATIONS)).tolist() == [False] * 4 + [True] + [False] * 3 + [True]


@given(st.integers(1, MAX_BARS), st.integers(0))
def test_relations_are_mutual_and_in_range(num_bars, seed):
    sections = propose_form(num_bars, np.random.default_rng(seed))
    told_of_song = song_conditions(sections, NUM_SLOTS, tempo_bpm=None, mode=None)
    relations = bar_relations(collate_conditions([told_of_song], num_bars))[0]
    assert torch.equal(relations, relations.T)
    assert (relations.diagonal() == NUM_RELATIONS - 1).all()
    assert int(relations.min()) >= 1
    assert int(relations.max()) < NUM_RELATIONS


def test_without_the_form_no_relation_is_known():
    relations = bar_relations(batch_of("A4 B4", "A4 B4").without("form", torch.tensor([True, False])))
    assert not relations[0].any()
    assert relations[1, :8, :8].all()


@pytest.mark.parametrize("name", NUM_VALUES)
def test_each_condition_changes_the_vectors_of_its_bars(name):
    torch.manual_seed(0)
    embedding, batch = ConditionEmbedding(8, NUM_SLOTS), batch_of("A4 B4", num_bars=8)
    value = getattr(batch, name).clone()
    value[0, 0] = (value[0, 0] + 1) % NUM_VALUES[name]
    before, after = embedding(batch), embedding(batch._replace(**{name: value}))
    assert before.shape == (1, 8, 8)
    changed = (before != after).any(dim=-1)[0].tolist()
    assert changed == ([True] * 8 if name in OF_A_SONG else [True] + [False] * 7)


@pytest.mark.parametrize("name", ["sounds", "repeats", "chord_root", "chord_bass", "chord_tones"])
def test_what_is_told_of_one_slot_or_beat_changes_the_vector_of_its_bar(name):
    """And which slot or beat it is told of: each has a vector of its own."""
    torch.manual_seed(0)
    embedding, batch = ConditionEmbedding(8, NUM_SLOTS), batch_of("A4 B4", num_bars=8)
    blank = batch._replace(**{name: torch.zeros_like(getattr(batch, name))})
    vectors = [embedding(blank)]
    for place in (0, 1):
        value = getattr(blank, name).clone()
        value[0, 0, place] = 1
        vectors.append(embedding(batch._replace(**{name: value})))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        changed = (vectors[one] != vectors[other]).any(dim=-1)[0].tolist()
        assert changed == [True] + [False] * 7


def test_every_grade_of_every_aspect_of_every_slot_has_a_vector_of_its_own():
    torch.manual_seed(0)
    embedding, batch = ConditionEmbedding(8, NUM_SLOTS), batch_of("A1", num_bars=1)
    places = [(slot, aspect) for slot in range(NUM_SLOTS) for aspect in Aspect]
    vectors = [embedding(batch._replace(texture=torch.zeros_like(batch.texture)))]
    for slot, aspect in places:
        for grade in range(1, NUM_GRADES):
            texture = torch.zeros_like(batch.texture)
            texture[0, 0, slot, aspect] = grade
            vectors.append(embedding(batch._replace(texture=texture)))
    assert len(torch.stack(vectors).flatten(0, 2).unique(dim=0)) == 1 + len(places) * (NUM_GRADES - 1)


def test_every_pitch_class_of_a_chord_is_told():
    torch.manual_seed(0)
    embedding, batch = ConditionEmbedding(8, NUM_SLOTS), batch_of("A12")
    tones = torch.zeros_like(batch.chord_tones)
    tones[0, :, 0] = 2 ** torch.arange(12)
    vectors = embedding(batch.without("form", torch.tensor([True]))._replace(chord_tones=tones))[0]
    assert len(vectors.unique(dim=0)) == 12


def test_bars_of_which_nothing_is_known_have_one_vector():
    torch.manual_seed(0)
    batch = batch_of("A4 B4 A4")
    for group in GROUPS:
        batch = batch.without(group, torch.tensor([True]))
    vectors = ConditionEmbedding(8, NUM_SLOTS)(batch)
    torch.testing.assert_close(vectors, vectors[:, :1].expand_as(vectors))
