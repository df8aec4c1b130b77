"""Recipes: what is written is read, and what anybody wrote is no harm."""

from __future__ import annotations

import json

import pytest

from phraseloom.errors import RequestError
from phraseloom.midi.annotations import RECIPE_PREFIX
from phraseloom.plan import SongPlan
from phraseloom.song_recipe import MAX_STEPS_KEPT, SongRecipe

PLAN = SongPlan(form="A4 B4", key="D", chords="A: D G")
COMPOSED = {"plan": PLAN.to_dict(), "seed": 7, "steps": 24, "weights": "0f3a"}
FILLED = {
    "edit": {"kind": "infill", "bars": "5-8", "tracks": ["piano", "2"]},
    "seed": 8,
    "steps": 24,
    "weights": "0f3b",
}


@pytest.mark.parametrize(
    "recipe",
    [
        SongRecipe((COMPOSED,)),
        SongRecipe((COMPOSED,)).followed_by(FILLED, "piano: 5-8"),
        SongRecipe().followed_by(FILLED, None),
    ],
)
def test_what_is_written_is_read(recipe):
    assert SongRecipe.parse(recipe.text()) == recipe


def test_a_recipe_is_its_last_step_with_those_before():
    text = SongRecipe((COMPOSED,)).followed_by(FILLED, "piano").text()
    assert json.loads(text.removeprefix(RECIPE_PREFIX)) == {**FILLED, "locked": "piano", "history": [COMPOSED]}


def test_what_a_recipe_says():
    recipe = SongRecipe((COMPOSED,)).followed_by(FILLED, "piano: 5-8")
    assert (recipe.plan, recipe.weights) == (PLAN, "0f3b")
    assert recipe.lines() == [
        f"generate, form A4 B4, key D major, chords {PLAN.chords}, seed 7, steps 24, weights 0f3a",
        "infill, bars 5-8, tracks piano 2, seed 8, steps 24, weights 0f3b",
        "locked: piano: 5-8",
    ]
    assert (SongRecipe().plan, SongRecipe().weights) == (None, None)


def test_a_long_history_keeps_the_plan_and_the_last_steps():
    recipe = SongRecipe((COMPOSED,))
    for seed in range(2 * MAX_STEPS_KEPT):
        recipe = recipe.followed_by({**FILLED, "seed": seed}, None)
    assert len(recipe.steps) == MAX_STEPS_KEPT
    assert recipe.plan == PLAN
    assert [step["seed"] for step in recipe.steps[-2:]] == [2 * MAX_STEPS_KEPT - 2, 2 * MAX_STEPS_KEPT - 1]


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "for Anna", "phraseloom", "phraseloom: ", "phraseloom: {", "phraseloom: 7", "phraseloom: []"),
        *('phraseloom: {"history": 3}', 'phraseloom: {"history": [3]}', "phraseloom: " + "[" * 100_000),
    ],
)
def test_what_is_no_recipe_is_none(text):
    assert SongRecipe.parse(text) is None


@pytest.mark.parametrize(
    "step", [{}, {"plan": 3}, {"edit": []}, {"edit": {"kind": None, "bars": {}}}, {"weights": [], "seed": None}]
)
def test_odd_steps_are_told_all_the_same(step):
    recipe = SongRecipe.parse(RECIPE_PREFIX + json.dumps({**step, "locked": 3}))
    assert recipe is not None
    assert (len(recipe.lines()), recipe.plan, recipe.weights, recipe.locked) == (1, None, None, None)


def test_a_plan_with_more_in_it_is_read_and_a_wrong_one_is_refused():
    assert SongRecipe(({"plan": {"form": "A4", "mood": "blue"}},)).plan == SongPlan(form="A4")
    with pytest.raises(RequestError, match="a song of 0 bars"):
        _ = SongRecipe(({"plan": {"num_bars": 0}},)).plan


def test_the_studio_s_recipe_says_what_is_locked():
    tracks = [{"cells": "####", "locked": locked, "is_writable": True} for locked in ("0000", "0110", "1111")]
    made_by = {"operation": "infill", "seed": 9, "steps": 24, "weights": "0f3a", "written": None}
    recipe = SongRecipe.parse(RECIPE_PREFIX + json.dumps({"studio": {"tracks": tracks}, "made_by": made_by}))
    assert recipe == SongRecipe(
        ({"edit": {"kind": "infill"}, "seed": 9, "steps": 24, "weights": "0f3a"},), "2: 2-3; 3: 1-4"
    )
    assert (
        SongRecipe.parse(RECIPE_PREFIX + '{"studio": {"tracks": [3, {"locked": 4}]}, "made_by": null}') == SongRecipe()
    )
