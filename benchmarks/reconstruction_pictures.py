"""Pictures of held-out songs before and after the phrase VAE: above as played, below as decoded from their latents.

    python benchmarks/reconstruction_pictures.py CORPUS [--songs 3] [--bars 24] [--out docs/images] [--checkpoint DIR]

Takes songs of the test split in 4/4, evenly spread, and the first bars of each that sound in every track. Writes
reconstruction-1.png, -2.png, ... and prints what is in each: its song, and the note F1 of what it shows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cyclopts import App
from edit_pictures import write_pair

from phraseloom.corpus.store import Corpus
from phraseloom.evaluation.latent_distance import evenly_spread
from phraseloom.evaluation.reconstruction import reconstruction_report
from phraseloom.latent_songs import decode_song, encode_song
from phraseloom.phrase_codec import PHRASE_VAE_FILE, PhraseCodec
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.score import Score
from phraseloom.song_model import speaks_meter_of
from phraseloom.transforms import cut, excerpt

app = App(help=__doc__)


def first_full_bar(score: Score) -> int:
    """The first bar in which every track has notes; 0 where there is none."""
    return next((number for number, bar in enumerate(cut(score)) if all(len(notes) for notes in bar)), 0)


@app.default
def main(
    corpus: Path,
    *,
    songs: int = 3,
    bars: int = 24,
    out: Path = Path("docs/images"),
    checkpoint: Path | None = None,
) -> None:
    codec = PhraseCodec.load((checkpoint or PRETRAINED_DIRECTORY) / PHRASE_VAE_FILE)
    held_out = [song for song in Corpus.open(corpus).songs("test") if speaks_meter_of(song.score)]
    for number, song in enumerate(evenly_spread(held_out, songs), 1):
        start = first_full_bar(song.score)
        before = excerpt(song.score, start, min(bars, song.score.num_bars - start))
        after = decode_song(encode_song(before, codec)[0], codec)
        true, decoded = ([notes for bar in cut(score) for notes in bar] for score in (before, after))
        names = [track.name for track in before.tracks] * before.num_bars
        report = reconstruction_report(true, decoded, names)
        title = f"song {song.song_id}, bars {start + 1}-{start + before.num_bars}"
        write_pair(
            replace(before, title=f"{title}, as played"),
            replace(after, title="through 64 numbers a phrase, and back"),
            out / f"reconstruction-{number}.png",
        )
        print(f"{number}. {title}")
        print(report.text())


if __name__ == "__main__":
    app()
