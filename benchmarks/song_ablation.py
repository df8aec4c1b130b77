"""What each part of drawing a song is good for: one thing changed at a time, the weights as they are.

    python benchmarks/song_ablation.py CORPUS --out FILE.jsonl [--seed 0] [--songs 24] [--only NAME] [--checkpoint DIR]
    python benchmarks/song_ablation.py CORPUS --out FILE.jsonl --table

Songs to the plans (form, chords, key, tempo) of validation songs, the seeds of their notes counted from 1000 times
`--seed`. One line of JSON a run is added to the file, and runs that are in it are not made again. `--table` prints the
file's runs, means over seeds with the least and the most.

Columns: how well 8-bar windows are told from those of the real songs (AUC, 0.5 is not at all); kernel distance of song
features; note-set Jaccard of homologous bars less that of bars in different sections; section recurrence score; share
of beats that agree with the chord asked less that with a wrong one; seconds a song. In the first row, the real songs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from cyclopts import App
from held_out_plans import plan_of_song

from phraseloom import composer as composing
from phraseloom import drawing
from phraseloom.composer import DEFAULT_GUIDANCE, DEFAULT_STEPS, Composer
from phraseloom.corpus.store import Corpus
from phraseloom.diffusion.guidance import Guidance
from phraseloom.evaluation.chord_agreement import chord_agreement, summarise_chord_agreement
from phraseloom.evaluation.discrimination import discriminate
from phraseloom.evaluation.distances import kid, standardised
from phraseloom.evaluation.repetition import repetition_report, summarise_repetition
from phraseloom.evaluation.song_features import song_features, window_features
from phraseloom.form import MAX_BARS
from phraseloom.phrase_codec import PhraseCodec
from phraseloom.score import Score
from phraseloom.song_model import SongModel, speaks_meter_of
from phraseloom.texture_prior import TexturePrior

NUM_TRACKS = 3
COLUMNS = ("auc", "kernel_distance", "form", "recurrence", "chords", "seconds")

app = App(help=__doc__)


@dataclass(frozen=True)
class Variant:
    """What is changed: of the model, of a function or number of the library, or of the settings."""

    model: Callable[[SongModel], SongModel] = lambda model: model
    changed: Callable[[], AbstractContextManager[Any]] = nullcontext
    steps: int = DEFAULT_STEPS
    guidance: Guidance = DEFAULT_GUIDANCE
    repeat: float | None = None


def without_form_bias(model: SongModel) -> SongModel:
    with torch.no_grad():
        for block in model.network.blocks:
            block.relation_bias.weight.zero_()
    return model


@contextmanager
def untold_noise() -> Iterator[None]:
    """The decoder reads predictions as if they were clean."""
    told = PhraseCodec.decode

    def decode(codec: PhraseCodec, latents: np.ndarray, ticks_per_bar: int, **options: Any) -> Any:
        return told(codec, latents, ticks_per_bar, **{**options, "noise": 0.0})

    with patch.object(PhraseCodec, "decode", decode):
        yield


def sharing(share: float) -> Callable[[], AbstractContextManager[Any]]:
    """Homologous bars share so much of their noise, whatever the plan says."""
    return lambda: patch.object(composing, "shared_noise_of", lambda repeat: share)


def guided(**changed: float) -> Guidance:
    return DEFAULT_GUIDANCE._replace(**changed)


VARIANTS = {
    "as shipped": Variant(),
    "no textures told": Variant(lambda model: replace(model, texture_prior=TexturePrior((), (), ()))),
    "predictions not calibrated": Variant(lambda model: replace(model, calibration=0.0)),
    "no projection to phrases": Variant(changed=lambda: patch.object(drawing, "PROJECTED_BELOW", ())),
    "decoder not told of the noise": Variant(changed=untold_noise),
    "homologous bars share none of their noise": Variant(changed=sharing(0.0)),
    "they share a quarter of it": Variant(changed=sharing(0.25)),
    "no bias for the form in attention": Variant(without_form_bias),
    "odds of repeats as in the prior": Variant(
        changed=lambda: patch.object(composing, "compensated", lambda share: share)
    ),
    "8 steps": Variant(steps=8),
    "32 steps": Variant(steps=32),
    "guidance 1": Variant(guidance=guided(scale=1.0)),
    "guidance 1.3": Variant(guidance=guided(scale=1.3)),
    "not moved away from the weaker network": Variant(guidance=guided(sharpness=0.0)),
    "moved half as far": Variant(guidance=guided(sharpness=DEFAULT_GUIDANCE.sharpness / 2)),
    "moved twice as far": Variant(guidance=guided(sharpness=DEFAULT_GUIDANCE.sharpness * 2)),
}


def figures(real: list[Score], composed: list[Score], seconds: float) -> dict[str, float]:
    features = [song_features(songs, NUM_TRACKS) for songs in (real, composed)]
    whole = [standardised(table.values, features[0].values) for table in features]
    return {
        "auc": discriminate(window_features(real, NUM_TRACKS), window_features(composed, NUM_TRACKS)).auc.mean,
        "kernel_distance": kid(whole[1], whole[0]).squared_mmd,
        **own_figures(composed),
        "seconds": seconds,
    }


def own_figures(songs: list[Score]) -> dict[str, float]:
    """What needs no other songs beside."""
    repetition = summarise_repetition(map(repetition_report, songs))
    chords = summarise_chord_agreement(map(chord_agreement, songs))
    return {
        "form": repetition.section_contrast.mean,
        "recurrence": repetition.section_recurrence.mean,
        "chords": chords.difference.mean,
    }


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def print_table(rows: list[dict[str, Any]]) -> None:
    print("| | runs | " + " | ".join(COLUMNS) + " |\n" + "|---" * (len(COLUMNS) + 2) + "|")
    for name in dict.fromkeys(row["variant"] for row in rows):
        runs = [row for row in rows if row["variant"] == name]
        cells = []
        for column in COLUMNS:
            values = [row[column] for row in runs if row.get(column) is not None]
            spread = f" ({min(values):.3f}, {max(values):.3f})" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.3f}{spread}" if values else "-")
        print(f"| {name} | {len(runs)} | " + " | ".join(cells) + " |")


@app.default
def main(
    corpus: Path,
    *,
    out: Path,
    seed: int = 0,
    songs: int = 24,
    only: list[str] | None = None,
    checkpoint: Path | None = None,
    table: bool = False,
) -> None:
    if table:
        print_table(rows_of(out))
        return
    real = [song.score for song in Corpus.open(corpus).songs("validation")]
    real = [score for score in real if speaks_meter_of(score) and score.sections and score.num_bars <= MAX_BARS][:songs]
    if not any(row["variant"] == "real" for row in rows_of(out)):
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"variant": "real", "seed": None, "songs": len(real), **own_figures(real)}) + "\n")
    for name in only or VARIANTS:
        key = {"variant": name, "seed": seed, "songs": len(real)}
        if any(key.items() <= row.items() for row in rows_of(out)):
            continue
        variant = VARIANTS[name]
        composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
        composer.model = variant.model(composer.model)
        started = time.perf_counter()
        with variant.changed():
            composed = [
                composer.generate(
                    plan_of_song(score, repeat=variant.repeat),
                    seed=1000 * seed + number,
                    steps=variant.steps,
                    guidance=variant.guidance,
                ).score
                for number, score in enumerate(real)
            ]
        row = {**key, **figures(real, composed, (time.perf_counter() - started) / len(real))}
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)


if __name__ == "__main__":
    app()
