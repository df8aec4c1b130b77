"""How well edits of held-out songs turn out, every figure beside the same one of the real music.

    python benchmarks/edits.py CORPUS [--split test] [--checkpoint DIR] [--songs N] [--only infill,part] [--json]
        [--way levels] [--steps 16] [--regions 2] [--vary-songs 20] [--seed 0]

Songs of the split in 4/4, of 32 to 128 bars, with a form. One composer makes all edits; a song's place in the split,
plus `--seed`, is its seed. Means over songs with 95 % bootstrap intervals by song. What is measured:

infill   Four bars of all tracks are written anew, one region at a time. Boosted trees, trained by song, tell them from
         the true bars (area under the ROC curve, 0.5 is chance). Beside it the four bars before copied into the place,
         the bars at the place of a song composed to the song's own plan, and other true bars of the songs. A true bar
         and what was written or put in its place are held against the same chords.
part     Four bars of one track, the tracks in turn, where the true one plays: the share of its notes in the chord, and
         of its time in a minor second with other tracks.
arrange  All other tracks to the melody, with the song's chords and without them: whether the melody is as it was, and
         the figures of `part` for all the accompaniment, beside the true one's; without chords also against those that
         were found for the melody.
vary     The share of notes (track, onset, pitch) that differ, by distance.
extend   The song up to a section border goes on with the sections that really follow: the share of songs whose new part
         is in the song's key or its relative, the share of its notes in the scale, and the note-set Jaccard index of
         four bars before with four behind the border, against the same at every place inside of what was there.

Ways of holding on to what is known while the rest is drawn (`--way`):

levels       The network is told that known cells carry no noise. This is how the package does it.
replacement  All cells seem equally noisy: known ones are noised anew at every step (RePaint, Lugmayr et al.,
             arXiv 2201.09865, without its jumps back).
guided       As `levels`, moved away (by half) from what the network would predict knowing nothing of the song.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import numpy as np
import torch
from cyclopts import App, Parameter
from torch import Tensor, nn

from phraseloom.composer import DEFAULT_STEPS, Composer
from phraseloom.corpus.store import Corpus
from phraseloom.diffusion.flow import corrupt
from phraseloom.editing import Edit, arrange, extend, infill, vary
from phraseloom.evaluation.bootstrap import bootstrap_mean
from phraseloom.evaluation.chord_agreement import chord_agreement
from phraseloom.evaluation.discrimination import discriminate
from phraseloom.evaluation.part_harmony import part_harmony
from phraseloom.evaluation.song_features import FeatureTable, song_features
from phraseloom.form import MAX_BARS
from phraseloom.models.conditions import SongConditions
from phraseloom.models.song_dit import SongDiT
from phraseloom.score import Score
from phraseloom.similarity import note_set_jaccard
from phraseloom.song_model import speaks_meter_of
from phraseloom.structure import key_of_notes
from phraseloom.transforms import excerpt

REGION_BARS = 4
MIN_BARS = 32
EDGE_BARS = 8
"""Regions lie at least this far from both ends of the song."""
DISTANCES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
GUIDED_SCALE = 1.5
MAJOR_SCALE = frozenset({0, 2, 4, 5, 7, 9, 11})

Way = Literal["levels", "replacement", "guided"]
Editor = Callable[[Edit, int], Score]
"""An edit and a seed to the edited song."""
Figures = dict[str, Any]

app = App(help=__doc__)


Shown = tuple[Tensor, Tensor, SongConditions, Tensor | None]
"""What a network is called with."""


class OtherNetwork(nn.Module):
    """A song transformer that is shown something else than it is asked to predict from."""

    def __init__(self, network: SongDiT) -> None:
        super().__init__()
        self.network, self.config = network, network.config
        self.blocks = network.blocks

    def forward(self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None = None) -> Tensor:
        return self.made_of(self.network(*self.shown(noisy, level, conditions, guess)))

    def with_weakened(
        self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None, layer: int
    ) -> tuple[Tensor, Tensor]:
        told, weakened = self.network.with_weakened(*self.shown(noisy, level, conditions, guess), layer)
        return self.made_of(told), self.made_of(weakened)

    def shown(self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None) -> Shown:
        raise NotImplementedError

    def made_of(self, predicted: Tensor) -> Tensor:
        return predicted


class ReplacedNetwork(OtherNetwork):
    """Shown known cells as noisy as the others."""

    def shown(self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None) -> Shown:
        everywhere = level.amax(dim=(1, 2), keepdim=True).expand_as(level)
        known = corrupt(noisy, torch.randn_like(noisy), everywhere)
        return torch.where((level > 0)[..., None], noisy, known), everywhere, conditions, guess


class GuidedNetwork(OtherNetwork):
    """Predictions are moved away from those that it makes without seeing what is known, or what it guessed of that."""

    def shown(self, noisy: Tensor, level: Tensor, conditions: SongConditions, guess: Tensor | None) -> Shown:
        is_known = level == 0
        unseen = torch.where(is_known[..., None], torch.randn_like(noisy), noisy)
        both = SongConditions(*(torch.cat([value, value]) for value in conditions))
        guesses = None if guess is None else torch.cat([guess, guess.masked_fill(is_known[..., None], 0.0)])
        return torch.cat([noisy, unseen]), torch.cat([level, torch.where(is_known, 1.0, level)]), both, guesses

    def made_of(self, predicted: Tensor) -> Tensor:
        seeing, blind = predicted.chunk(2)
        return blind + GUIDED_SCALE * (seeing - blind)


def load_composer(checkpoint: Path | None, way: Way) -> Composer:
    """The composer, holding on to what is known in this way."""
    composer = Composer.pretrained() if checkpoint is None else Composer.load(checkpoint)
    if way == "levels":
        return composer
    network = {"replacement": ReplacedNetwork, "guided": GuidedNetwork}[way](composer.model.network)
    return Composer(composer.codec, replace(composer.model, network=cast("SongDiT", network)))


def regions_of(score: Score, count: int, seed: int) -> list[int]:
    """First bars of regions of four bars that do not overlap."""
    starts = np.arange(EDGE_BARS, score.num_bars - EDGE_BARS - REGION_BARS + 1, REGION_BARS)
    return sorted(np.random.default_rng(seed).permutation(starts)[:count].tolist())


def bars_text(first_bar: int) -> str:
    return f"{first_bar + 1}-{first_bar + REGION_BARS}"


def beside(made: Sequence[float], real: Sequence[float]) -> Figures:
    """One value a song of each; also the mean of their differences within songs."""
    differences = np.array(made) - np.array(real)
    return {"made": bootstrap_mean(made), "real": bootstrap_mean(real), "difference": bootstrap_mean(differences)}


def mean(values: Sequence[float]) -> float:
    """Of those that are defined."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else np.nan


def measure_infill(songs: Sequence[Score], composer: Composer, edited: Editor, regions: int) -> Figures:
    slots = composer.model.slots
    windows: dict[str, list[Score]] = {
        name: [] for name in ("true", "infilled", "copied from before", "composed", "other true bars")
    }
    owner = []
    for number, score in enumerate(songs):
        plan = composer.edit(vary(score, slots, 0.0), seed=number).plan  # nothing is drawn: the song's own plan
        composed = composer.generate(plan, seed=number).score
        places = regions_of(score, regions, number)
        others = regions_of(score, 2 * regions, number)
        for index, bar in enumerate(places):
            true = excerpt(score, bar, REGION_BARS)
            filled = edited(infill(score, slots, bars=bars_text(bar)), number)
            other = next((place for place in others[index:] if place not in places), bar - REGION_BARS)
            sources = {
                "infilled": (filled, bar),
                "copied from before": (score, bar - REGION_BARS),
                "composed": (composed, bar),
            }
            windows["true"].append(true)
            windows["other true bars"].append(excerpt(score, other, REGION_BARS))
            for name, (source, place) in sources.items():
                windows[name].append(replace(excerpt(source, place, REGION_BARS), chords=true.chords))
            owner.append(number)
    song, true = np.array(owner), windows["true"]
    tables = {name: _features(scores, len(slots), song) for name, scores in windows.items()}
    figures: Figures = {"regions": len(owner)}
    for name, scores in windows.items():
        agreement = [chord_agreement(score).difference for score in scores]
        figures[name] = {"chord asked less wrong chord": bootstrap_mean(_by_song(agreement, song))}
        if name != "true":
            report = discriminate(tables["true"], tables[name])
            figures[name] |= {
                "as it was": float(np.mean([a.tracks == b.tracks for a, b in zip(true, scores, strict=True)])),
                "AUC against true": report.auc,
                "told by": list(report.contrasts)[:6],
            }
    return figures


def measure_part(songs: Sequence[Score], composer: Composer, edited: Editor, regions: int) -> Figures:
    slots = composer.model.slots
    made: list[Figures] = []
    real: list[Figures] = []
    for number, score in enumerate(songs):
        track = number % len(slots)
        names = [slots[track].name]
        own: list[list[dict[str, float]]] = [[], []]
        for bar in regions_of(score, 99, number):
            true = part_harmony(excerpt(score, bar, REGION_BARS), [track])
            if true.num_notes == 0 or len(own[0]) == regions:
                continue
            filled = edited(infill(score, slots, bars_text(bar), names), number)
            own[0].append(asdict(part_harmony(excerpt(filled, bar, REGION_BARS), [track])))
            own[1].append(asdict(true))
        for values, all_values in zip(own, (made, real), strict=True):
            all_values.append({key: mean([each[key] for each in values]) for key in ("in_chord", "clashing")})
    return {key: beside([m[key] for m in made], [r[key] for r in real]) for key in ("in_chord", "clashing")}


def measure_arrange(songs: Sequence[Score], composer: Composer, edited: Editor) -> Figures:
    slots = composer.model.slots
    melody = next((index for index, slot in enumerate(slots) if "melody" in slot.name.casefold()), 0)
    others = [index for index in range(len(slots)) if index != melody]
    figures: Figures = {}
    for name in ("with the song's chords", "without chords"):
        made, found, unchanged = [], [], []
        for number, score in enumerate(songs):
            given = score if name.startswith("with the") else replace(score, chords=())
            after = edited(arrange(given, slots, [f"{slots[melody].name}={slots[melody].name}"]), number)
            unchanged.append(after.tracks[melody] == score.tracks[melody])
            made.append(part_harmony(replace(after, chords=score.chords), others))
            found.append(part_harmony(after, others).in_chord)
        real = [part_harmony(score, others) for score in songs]
        figures[name] = {
            "melodies unchanged": float(np.mean(unchanged)),
            "in_chord": beside([each.in_chord for each in made], [each.in_chord for each in real]),
            "in the chord it was written to": beside(found, [each.in_chord for each in real]),
            "clashing": beside([each.clashing for each in made], [each.clashing for each in real]),
        }
    return figures


def measure_vary(songs: Sequence[Score], composer: Composer, edited: Editor) -> Figures:
    changed = np.array(
        [
            [
                _changed_share(score, edited(vary(score, composer.model.slots, distance), number))
                for distance in DISTANCES
            ]
            for number, score in enumerate(songs)
        ]
    )
    means = changed.mean(axis=0)
    return {
        "changed notes": {f"{d:g}": bootstrap_mean(column) for d, column in zip(DISTANCES, changed.T, strict=True)},
        "mean rises with distance": bool((np.diff(means) >= 0).all()),
        "songs in which it rises": float((np.diff(changed, axis=1) >= 0).all(axis=1).mean()),
    }


def measure_extend(songs: Sequence[Score], composer: Composer, edited: Editor) -> Figures:
    rows: dict[str, list[dict[str, float]]] = {"made": [], "real": []}
    for number, score in enumerate(songs):
        border = _border(score)
        kept = excerpt(score, 0, border)
        following = excerpt(score, border, score.num_bars - border).sections
        longer = edited(extend(kept, composer.model.slots, following), number)
        for name, song in (("made", longer), ("real", score)):
            rows[name].append(_continuation(song, score, border))
    made, real = rows["made"], rows["real"]
    return {key: beside([row[key] for row in made], [row[key] for row in real]) for key in made[0]}


def _features(windows: Sequence[Score], num_tracks: int, song: np.ndarray) -> FeatureTable:
    """Features of short scores, several of them from one song."""
    table = song_features(windows, num_tracks)
    return FeatureTable(table.names, table.values, song[table.song])


def _by_song(values: Sequence[float], song: np.ndarray) -> list[float]:
    return [mean(np.array(values)[song == number].tolist()) for number in np.unique(song)]


def _changed_share(before: Score, after: Score) -> float:
    kinds = [
        {(index, *row) for index, track in enumerate(score.tracks) for row in track.notes.table[:, [0, 2]].tolist()}
        for score in (before, after)
    ]
    return 1 - len(kinds[0] & kinds[1]) / len(kinds[0] | kinds[1])


def _border(score: Score) -> int:
    """The section border nearest to the middle that leaves eight bars on both sides, or else the middle."""
    borders = np.cumsum([section.num_bars for section in score.sections])[:-1]
    borders = borders[(borders >= EDGE_BARS) & (borders <= score.num_bars - EDGE_BARS)]
    middle = score.num_bars // 2
    return int(borders[np.argmin(np.abs(borders - middle))]) if len(borders) else middle


def _continuation(song: Score, original: Score, border: int) -> dict[str, float]:
    """The bars from `border` on beside those before it, and beside the original song's key."""
    new = excerpt(song, border, song.num_bars - border)
    key, found = original.key or key_of_notes(original.tracks), key_of_notes(new.tracks)
    scale = np.array([(tone - 7 * (key.signature if key else 0)) % 12 in MAJOR_SCALE for tone in range(12)])
    pitch = np.concatenate([track.notes.pitch for track in new.tracks if not track.is_drum])
    similarity = note_set_jaccard(song)
    across = _likeness_at(similarity, border)
    inside = mean([_likeness_at(similarity, bar) for bar in range(REGION_BARS, border - REGION_BARS + 1)])
    return {
        "in the song's key": float(found is not None and key is not None and found.signature == key.signature),
        "notes in the scale": float(scale[pitch % 12].mean()) if len(pitch) else np.nan,
        "likeness across the border": across,
        "likeness inside": inside,
        "across less inside": across - inside,
    }


def _likeness_at(similarity: np.ndarray, bar: int) -> float:
    """Mean likeness of the four bars before a bar line with the four behind it."""
    return mean(similarity[bar - REGION_BARS : bar, bar : bar + REGION_BARS].ravel().tolist())


def _lines(figures: Figures, indent: str = "  ") -> list[str]:
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name:32}{f'{value:.3f}' if isinstance(value, float) else value}")
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    return None if isinstance(value, float) and np.isnan(value) else value


@app.default
def main(
    corpus: Path,
    *,
    split: str = "test",
    checkpoint: Path | None = None,
    songs: int | None = None,
    only: str = "infill,part,arrange,vary,extend",
    way: Way = "levels",
    steps: int = DEFAULT_STEPS,
    regions: int = 2,
    vary_songs: int = 20,
    seed: int = 0,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    composer = load_composer(checkpoint, way)
    scores = [song.score for song in Corpus.open(corpus).songs(split)]
    scores = [s for s in scores if speaks_meter_of(s) and s.sections and MIN_BARS <= s.num_bars <= MAX_BARS][:songs]

    def edited(edit: Edit, number: int) -> Score:
        torch.manual_seed(seed + number)  # for the ways that draw noise of their own
        return composer.edit(edit, seed=seed + number, steps=steps).score

    measures: dict[str, Callable[[], Figures]] = {
        "infill": lambda: measure_infill(scores, composer, edited, regions),
        "part": lambda: measure_part(scores, composer, edited, regions),
        "arrange": lambda: measure_arrange(scores, composer, edited),
        "vary": lambda: measure_vary(scores[:vary_songs], composer, edited),
        "extend": lambda: measure_extend(scores, composer, edited),
    }
    facts: Figures = {"weights": composer.model.fingerprint, "way": way, "songs": len(scores), "steps": steps}
    figures: Figures = {}
    for name in only.split(","):
        figures[name] = measures[name.strip()]()
        if not as_json:
            print("\n".join([f"{name}, {len(scores)} songs, {way}", *_lines(figures[name]), ""]), flush=True)
    if as_json:
        print(json.dumps(_plain({**facts, **figures}), indent=1))


if __name__ == "__main__":
    app()
