"""A corpus of made-up songs and a recipe that is done in seconds."""

from __future__ import annotations

from pathlib import Path

from phraseloom.corpus.prepare import prepare_folder
from phraseloom.midi import write_midi
from support.songs import make_song

BRIEF_RECIPE = """
seed = 3
out = "unused"

[phrase_vae]
tokens_per_batch = 400
network = {{ width = 32, num_heads = 2, encoder_layers = 1, decoder_layers = 1 }}

[phrase_vae.loop]
num_steps = {vae_steps}
checkpoint_minutes = 1e-6
validation_interval = 10
optimiser = {{ warmup_steps = 2 }}

[song_dit]
bars_per_batch = 64
network = {{ width = 32, num_layers = 1, num_heads = 2 }}

[song_dit.loop]
num_steps = {dit_steps}
checkpoint_minutes = 1e-6
validation_interval = 10
optimiser = {{ warmup_steps = 2 }}
"""
"""A checkpoint after every step, so that a run can be killed anywhere."""


def write_midi_folder(folder: Path, num_songs: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(num_songs):
        write_midi(make_song(seed), folder / f"song-{seed}.mid")
    return folder


def make_corpus(folder: Path, num_songs: int = 6) -> Path:
    """Prepares a corpus of made-up songs inside `folder` and returns where it is."""
    prepare_folder(write_midi_folder(folder / "midi", num_songs), folder / "corpus", 1)
    return folder / "corpus"


def write_recipe(path: Path, *, vae_steps: int = 20, dit_steps: int = 20) -> Path:
    path.write_text(BRIEF_RECIPE.format(vae_steps=vae_steps, dit_steps=dit_steps), encoding="utf-8")
    return path
