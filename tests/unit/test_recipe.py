"""Recipes: those in the repository, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.training.recipe import read_recipe
from support.training import write_recipe

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_of_the_repository_is_sound(path: Path) -> None:
    assert read_recipe(path).out.name == path.stem


@pytest.mark.parametrize(
    ("old", "new", "said", "remedy"),
    [
        ("seed = 3", "sed = 3", "sed", "seed"),
        ("seed = 3", "seed = -1", "seed", "range"),
        ("encoder_layers = 1", "encoder_layer = 1", "phrase_vae.network", "encoder_layers"),
        ("width = 32, num_heads = 2, encoder", "width = 32, num_heads = 3, encoder", "split into 3 heads", "value"),
        ("width = 32, num_layers", "width = 30, num_layers", "width 30 does not split", "value"),
        ("num_steps = 20", "num_steps = 0", "num_steps", "range"),
        ("[phrase_vae]", "[phrase_vae]\ntransposed_share = 0.2", "phrase_vae.transposed_share", "transposed_share"),
        ("[phrase_vae]", "[phrase_vae]\naugmentation.splice_share = 0.3", "phrase_vae.augmentation", "spliced_share"),
        ("[phrase_vae]", "[phrase_vae]\naugmentation.spliced_share = 1.5", "spliced_share", "range"),
        ("[song_dit]", "[song_dit]\nnote_bias.Tune.stpe = 1", "song_dit.note_bias.Tune", "step"),
        ("[song_dit]", "[song_dit]\nnote_bias.Tune.step = nan", "step is nan", "range"),
        ("[song_dit]", "[song_dit]\nexchanged_share = 1.5", "exchanged_share", "range"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, said: str, remedy: str) -> None:
    path = write_recipe(tmp_path / "recipe.toml")
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RequestError, match=said) as caught:
        read_recipe(path)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("content", [None, b"seed = ", b"\xff"])
def test_what_is_no_recipe_is_unreadable(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"recipe\.toml"):
        read_recipe(path)
