"""What the latent space is like: which phrases are neighbours, what noise does, and what lies between two phrases.

    python benchmarks/latent_space.py CORPUS --out DIR [--split test] [--checkpoint DIR] [--phrases 1000]

Of every sounding phrase of the split's songs in 4/4 the nearest one of all other songs is looked up (Euclidean
distance of normalised latents; songs in C major or A minor). Printed, by track: how often the two have the same rhythm
(the same set of onsets), the same chord on the first beat, and the same chord on each of the four beats (root, notes
and bass, as the corpus labels them); and beside it chance: the same for phrases of the same track drawn at random from
the other songs. Means over songs, each with the same weight, with 95 % bootstrap intervals by song.

For noise of 0.05, 0.1, 0.2 and 0.4 of the latents' scale: note F1 of some phrases decoded from noisy latents (without
and with the decoder told of the noise, with what does not come back read again, and the same of latents that were
refined), and the share of them of which two noisy copies decode to the same notes (onset, pitch and duration).

DIR/latent_space.png shows phrases decoded from more and more noise, and the way from one phrase to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from cyclopts import App
from PIL import Image

from phraseloom.corpus.store import Corpus
from phraseloom.evaluation.bootstrap import bootstrap_mean
from phraseloom.evaluation.reconstruction import reconstruction_report
from phraseloom.events import PhraseTable
from phraseloom.morphing import MIXED_NOISE
from phraseloom.phrase_codec import DEFAULT_READINGS, PHRASE_VAE_FILE, PhraseCodec, song_phrases
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.render import piano_roll, write_picture
from phraseloom.score import Notes, Score, Track
from phraseloom.song_model import TICKS_PER_BAR, speaks_meter_of
from phraseloom.training.phrases import corpus_phrases
from phraseloom.transforms import beat_chords, cut, join, normalise_key

NOISES = (0.0, 0.05, 0.1, 0.2, 0.4)
NUM_WAY_STEPS = 9
NUM_RANDOM = 50
BEATS = 4

app = App(help=__doc__)


@dataclass(frozen=True)
class Phrases:
    """The sounding phrases of all songs.

    Attributes:
        latents: `[p, z]`, normalised.
        song, track: `[p]` which song, and which of its tracks.
        notes: the notes of each, in C major or A minor.
        rhythms: `[p]` equal numbers for equal sets of onsets.
        chords: `[p, 4]` equal numbers for equal chords of a beat, -1 where none is known.
        table: the phrases themselves.
        track_names: of all songs.
    """

    latents: np.ndarray
    song: np.ndarray
    track: np.ndarray
    notes: list[Notes]
    rhythms: np.ndarray
    chords: np.ndarray
    table: PhraseTable
    track_names: list[str]


def gather(scores: list[Score], codec: PhraseCodec) -> Phrases:
    latents, song, track, notes, chords = [], [], [], [], []
    rhythm_numbers: dict[bytes, int] = {}
    chord_numbers: dict[object, int] = {None: -1}
    for number, score in enumerate(map(normalise_key, scores)):
        encoded = codec.encode(song_phrases(score)).reshape(score.num_bars, len(score.tracks), -1)
        beats = [chord_numbers.setdefault(chord, len(chord_numbers)) for chord in beat_chords(score)]
        for bar, row in enumerate(cut(score)):
            for index, phrase in enumerate(row):
                if len(phrase):
                    latents.append(encoded[bar, index])
                    song.append(number)
                    track.append(index)
                    notes.append(phrase)
                    chords.append(beats[BEATS * bar : BEATS * (bar + 1)])
    rhythms = [
        rhythm_numbers.setdefault(np.unique(phrase.onset_ticks).tobytes(), len(rhythm_numbers)) for phrase in notes
    ]
    names = [track.name for track in scores[0].tracks]
    table = corpus_phrases(scores)
    sounding = table.select(np.flatnonzero(table.num_notes))
    return Phrases(
        np.array(latents), np.array(song), np.array(track), notes, np.array(rhythms), np.array(chords), sounding, names
    )


def neighbours_of(phrases: Phrases) -> np.ndarray:
    """`[p]`: the nearest phrase of another song."""
    z, nearest = phrases.latents, np.zeros(len(phrases.song), np.int64)
    squares = np.square(z).sum(axis=1)
    for song in np.unique(phrases.song):
        own = phrases.song == song
        distances = squares - 2 * z[own] @ z.T  # but for what is the same for the whole row
        distances[:, own] = np.inf
        nearest[own] = distances.argmin(axis=1)
    return nearest


def random_others(phrases: Phrases, rng: np.random.Generator) -> np.ndarray:
    """`[p, 50]`: phrases of the same track of other songs."""
    others = np.zeros((len(phrases.song), NUM_RANDOM), np.int64)
    for song, track in {*zip(phrases.song.tolist(), phrases.track.tolist(), strict=True)}:
        own = (phrases.song == song) & (phrases.track == track)
        choices = np.flatnonzero((phrases.song != song) & (phrases.track == track))
        others[own] = rng.choice(choices, (int(own.sum()), NUM_RANDOM))
    return others


def likeness(phrases: Phrases, others: np.ndarray) -> dict[str, np.ndarray]:
    """Of every phrase the share of `others [p, k]` that are like it in some way; NaN where its chords are unknown."""
    chords = phrases.chords.astype(float)
    chords[chords < 0] = np.nan
    is_known = ~np.isnan(chords)
    same_chord = chords[:, None] == chords[others]
    return {
        "same rhythm": (phrases.rhythms[:, None] == phrases.rhythms[others]).mean(axis=1),
        "same first chord": np.where(is_known[:, 0], same_chord[..., 0].mean(axis=1), np.nan),
        "same four chords": np.where(is_known.all(axis=1), same_chord.all(axis=-1).mean(axis=1), np.nan),
        "rhythm and first chord": np.where(
            is_known[:, 0],
            ((phrases.rhythms[:, None] == phrases.rhythms[others]) & same_chord[..., 0]).mean(axis=1),
            np.nan,
        ),
    }


def by_song(phrases: Phrases, values: np.ndarray, rows: np.ndarray) -> list[float]:
    """The mean of each song's phrases among `rows` that have a value."""
    rows = rows & ~np.isnan(values)
    return [float(values[rows & (phrases.song == song)].mean()) for song in np.unique(phrases.song[rows])]


def print_neighbours(phrases: Phrases) -> None:
    neighbours = neighbours_of(phrases)
    nearest = likeness(phrases, neighbours[:, None])
    chance = likeness(phrases, random_others(phrases, np.random.default_rng(0)))
    same_track = (phrases.track == phrases.track[neighbours]).mean()
    print(f"nearest neighbours of {len(phrases.song)} phrases of {len(np.unique(phrases.song))} songs; chance")
    print(f"  {same_track:.1%} of the neighbours are in the same track")
    for index, name in [(-1, "all"), *enumerate(phrases.track_names)]:
        rows = (phrases.track == index) | (index < 0)
        for what in nearest:
            pair = [bootstrap_mean(by_song(phrases, values[what], rows)) for values in (nearest, chance)]
            print(f"  {name:8}{what:24}{pair[0]}   {pair[1]}")


def print_noise(phrases: Phrases, codec: PhraseCodec, num_phrases: int) -> None:
    rng = np.random.default_rng(0)
    rows = rng.choice(len(phrases.notes), min(num_phrases, len(phrases.notes)), replace=False)
    true, names = [phrases.notes[row] for row in rows], [phrases.track_names[phrases.track[row]] for row in rows]
    print(
        f"note F1 (onset and pitch) of {len(rows)} phrases, two noisy copies alike; read once, not told of the noise;"
    )
    print("  read once and told; told, and read again where they do not come back; the same of refined latents")
    latents = phrases.latents[rows], codec.encode_faithfully(phrases.table.select(rows))
    for noise in NOISES:
        disturbances = [noisy(np.zeros_like(latents[0]), noise, rng) for _ in range(2)]
        figures = []
        ways = ((0, 0.0, 0), (0, noise, 0), (0, noise, DEFAULT_READINGS), (1, noise, DEFAULT_READINGS))
        for refined, told, readings in ways:
            first, second = (decoded(codec, latents[refined] + each, told, readings) for each in disturbances)
            total = reconstruction_report(true, first, names).total
            alike = reconstruction_report(first, second, names).total.exact_share
            figures.append(f"{total.notes.f1:.3f} ({total.onset_pitch.f1:.3f}) {alike:.3f}")
        print(f"  {noise:<6g}" + "".join(f"{figure:24}" for figure in figures))


def noisy(latents: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    return latents + noise * rng.standard_normal(latents.shape, np.float32)


def lanes(title: str, names: list[str], notes: list[list[Notes]]) -> Score:
    """A score to be drawn: a lane for each name, and in it one phrase a bar, `notes[lane][bar]`."""
    tracks = tuple(Track(name, Notes.empty()) for name in names)
    return join(list(zip(*notes, strict=True)), Score(tracks, len(notes[0]), title=title))


def examples(phrases: Phrases, track: int, count: int, seed: int) -> np.ndarray:
    """Some phrases of a track, of different songs, that have as many notes as half of its phrases or more."""
    rng = np.random.default_rng(seed)
    lengths = np.array([len(notes) for notes in phrases.notes])
    of_track = phrases.track == track
    full = np.flatnonzero(of_track & (lengths >= np.median(lengths[of_track])))
    songs = rng.choice(np.unique(phrases.song[full]), count, replace=False)
    return np.array([rng.choice(full[phrases.song[full] == song]) for song in songs])


def decoded(
    codec: PhraseCodec, latents: np.ndarray, noise: np.ndarray | float, readings: int = DEFAULT_READINGS
) -> list[Notes]:
    table = codec.decode_faithfully(latents, TICKS_PER_BAR, noise=noise, readings=readings)
    return [table.phrase(row) for row in range(len(table))]


def noise_picture(phrases: Phrases, codec: PhraseCodec) -> Image.Image:
    """Three phrases of every track, one a bar, and below them what is decoded from their noisy latents."""
    rows = np.concatenate([examples(phrases, track, 3, seed=1) for track in range(len(phrases.track_names))])
    rng = np.random.default_rng(0)
    notes = [[phrases.notes[row] for row in rows]]
    notes += [decoded(codec, noisy(phrases.latents[rows], noise, rng), noise) for noise in NOISES]
    title = f"Three phrases of each track ({', '.join(phrases.track_names)}), decoded from noisy latents"
    return piano_roll(lanes(title, ["as played", *(f"noise {noise:g}" for noise in NOISES)], notes))


def way_picture(phrases: Phrases, codec: PhraseCodec) -> Image.Image:
    """For every track the way from one phrase to another, a step a bar."""
    ways = []
    for track in range(len(phrases.track_names)):
        first, last = phrases.latents[examples(phrases, track, 2, seed=2)]
        weights = np.linspace(0, 1, NUM_WAY_STEPS, dtype=np.float32)[:, None]
        distance = np.sqrt(np.square(last - first).mean())
        noise = np.minimum(MIXED_NOISE, distance * np.minimum(weights, 1 - weights)[:, 0])
        ways.append(decoded(codec, (1 - weights) * first + weights * last, noise))
    return piano_roll(lanes("From one phrase (bar 1) to another (last bar)", phrases.track_names, ways))


def stacked(pictures: list[Image.Image]) -> Image.Image:
    heights = np.cumsum([0, *(picture.height for picture in pictures)]).tolist()
    whole = Image.new("RGB", (max(picture.width for picture in pictures), heights[-1]), (255, 255, 255))
    for picture, (top, _) in zip(pictures, pairwise(heights), strict=True):
        whole.paste(picture, (0, top))
    return whole


@app.default
def main(corpus: Path, *, out: Path, split: str = "test", checkpoint: Path | None = None, phrases: int = 1000) -> None:
    codec = PhraseCodec.load((checkpoint or PRETRAINED_DIRECTORY) / PHRASE_VAE_FILE)
    scores = [song.score for song in Corpus.open(corpus).songs(split) if speaks_meter_of(song.score)]
    gathered = gather(scores, codec)
    print_neighbours(gathered)
    print_noise(gathered, codec, phrases)
    out.mkdir(parents=True, exist_ok=True)
    write_picture(stacked([noise_picture(gathered, codec), way_picture(gathered, codec)]), out / "latent_space.png")


if __name__ == "__main__":
    app()
