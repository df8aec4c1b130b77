"""What the song transformer is told: worked by hand, and in range for any plan."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.form import MAX_BARS, parse_form, propose_form
from phraseloom.models.conditions import (
    GROUPS,
    NUM_RELATIONS,
    NUM_VALUES,
    ConditionEmbedding,
    SongConditions,
    bar_relations,
    collate_conditions,
    song_conditions,
)

OF_A_SONG = ("num_bars", "tempo", "mode")


def told(form: str, tempo_bpm: float | None = 120, mode: str | None = "major", **edges: bool) -> dict[str, np.ndarray]:
    return song_conditions(parse_form(form), tempo_bpm=tempo_bpm, mode=mode, **edges)


def batch_of(*forms: str, num_bars: int = 12) -> SongConditions:
    return collate_conditions([told(form) for form in forms], num_bars)


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
    }


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
    values = song_conditions(sections, tempo_bpm=tempo_bpm, mode=mode)
    for name, size in NUM_VALUES.items():
        assert len(values[name]) == (1 if name in OF_A_SONG else num_bars)
        assert values[name].max() < size
        assert values[name].min() >= (0 if name == "mode" else 1)


def test_songs_of_different_lengths_are_padded_with_zeros():
    batch = batch_of("A4 B4", "i2", num_bars=16)
    for name, value in batch._asdict().items():
        assert value.dtype == (torch.bool if name == "is_bar" else torch.int64)
        assert value.shape == (2, 1 if name in OF_A_SONG else 16)
    assert batch.is_bar.sum(dim=1).tolist() == [8, 2]
    assert batch.letter[1].tolist() == [9, 9] + [0] * 14
    assert batch.from_start[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8] + [0] * 8
    assert batch.num_bars.tolist() == [[8], [2]]


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


def test_relations_worked_by_hand():
    """1, and 1 for the same letter, 2 for the same offset, 4 for the same section; homologous bars are 1 + 1 + 2."""
    relations = bar_relations(batch_of("A2 B2 A2", num_bars=7))[0]
    assert relations[0].tolist() == [8, 6, 3, 1, 4, 2, 0]
    assert relations[1].tolist() == [6, 8, 1, 3, 2, 4, 0]
    assert relations[2].tolist() == [3, 1, 8, 6, 3, 1, 0]
    assert relations[6].tolist() == [0] * 7


@given(st.integers(1, MAX_BARS), st.integers(0))
def test_relations_are_mutual_and_in_range(num_bars, seed):
    sections = propose_form(num_bars, np.random.default_rng(seed))
    told_of_song = song_conditions(sections, tempo_bpm=None, mode=None)
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
    embedding, batch = ConditionEmbedding(8), batch_of("A4 B4", num_bars=8)
    value = getattr(batch, name).clone()
    value[0, 0] = (value[0, 0] + 1) % NUM_VALUES[name]
    before, after = embedding(batch), embedding(batch._replace(**{name: value}))
    assert before.shape == (1, 8, 8)
    changed = (before != after).any(dim=-1)[0].tolist()
    assert changed == ([True] * 8 if name in OF_A_SONG else [True] + [False] * 7)


def test_bars_of_which_nothing_is_known_have_one_vector():
    torch.manual_seed(0)
    batch = batch_of("A4 B4 A4")
    for group in GROUPS:
        batch = batch.without(group, torch.tensor([True]))
    vectors = ConditionEmbedding(8)(batch)
    torch.testing.assert_close(vectors, vectors[:, :1].expand_as(vectors))
