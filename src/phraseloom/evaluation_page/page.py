"""The page: a report and the songs that it is about in, HTML out."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from phraseloom.evaluation.bootstrap import Estimate
from phraseloom.evaluation.comparison import ComparisonReport, JudgedSong, Row, SongReport
from phraseloom.evaluation.song_features import window_features
from phraseloom.evaluation_page.charts import histogram_chart, interval_chart, strip_chart
from phraseloom.evaluation_page.style import STYLE
from phraseloom.form import format_form
from phraseloom.render import piano_roll, self_similarity

if TYPE_CHECKING:
    from PIL.Image import Image

NUM_SONGS_SHOWN = 3
"""Each beside a real song."""
NUM_FEATURES_SHOWN = 9
MAX_BARS_DRAWN = 256
PIANO_ROLL_PX, SELF_SIMILARITY_PX = 1100, 400
NUM_COLOURS = 128
"""Of a picture; fewer make a smaller file, but far fewer lose the colours of sparse tracks."""


def comparison_page(
    report: ComparisonReport, generated: Sequence[JudgedSong], real: Sequence[JudgedSong], *, num_tracks: int
) -> str:
    """The whole page; it refers to nothing outside itself.

    Args:
        report: of `compare_songs`.
        generated, real: the songs that it compares, in the same order.
        num_tracks: the first so many of every song are compared.
    """
    title = f"{len(generated)} generated songs beside {len(real)} real ones"
    body = [
        f"<h1>{title}</h1>",
        '<p class="soft">Real songs are those of the reference that were kept out of training. No figure is better for '
        "being higher: what counts is how near the generated songs come to the real ones.</p>",
        '<p><span class="key of-generated">Generated</span><span class="key of-real">Real</span></p>',
        *_figures(report),
        *_distributions(report),
        *_features(report, generated, real, num_tracks),
        *_songs(report, generated, real),
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en-GB">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            """<meta http-equiv="Content-Security-Policy" """
            """content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">""",
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body><main>",
            *body,
            "</main></body></html>",
            "",
        ]
    )


def _figures(report: ComparisonReport) -> Iterator[str]:
    yield "<h2>Figures</h2>"
    yield '<div class="wide" tabindex="0" role="region" aria-label="Figures"><table>'
    yield "<caption>Means over songs with 95 % intervals from resampling songs.</caption>"
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Figure", "Generated", "Real", "Generated / real", "On one scale")
    )
    yield f"<thead><tr>{heads}</tr></thead>"
    for group, rows in groupby(report.rows(), lambda row: row.group):
        yield f'<tbody><tr><th scope="rowgroup" colspan="5">{escape(group)}</th></tr>'
        yield from map(_figure_row, rows)
        yield "</tbody>"
    yield "</table></div>"


def _figure_row(row: Row) -> str:
    ratio = "" if math.isnan(row.ratio) else f"{row.ratio:.0%}"
    note = f'<div class="range-text">{escape(row.note)}</div>' if row.note else ""
    return (
        f'<tr><th scope="row">{escape(row.label)}</th><td>{_estimate(row.generated)}</td><td>{_estimate(row.real)}</td>'
        f'<td class="ratio">{ratio}{note}</td>'
        f"<td>{interval_chart(row.generated, row.real)}</td></tr>"
    )


def _estimate(estimate: Estimate) -> str:
    if not estimate.num_songs:
        return '<span class="soft">not measured</span>'
    return f'{estimate.mean:.3f} <span class="range-text">[{estimate.low:.3f}, {estimate.high:.3f}]</span>'


def _distributions(report: ComparisonReport) -> Iterator[str]:
    yield "<h2>Song by song</h2>"
    yield '<p class="soft">A dot is a song, the line the mean.</p><div class="grid-of-charts">'
    for each in report.distributions():
        chart = strip_chart(each.label, each.generated, each.real)
        yield f"<figure><figcaption>{escape(each.label)}</figcaption>{chart}</figure>"
    yield "</div>"


def _features(
    report: ComparisonReport, generated: Sequence[JudgedSong], real: Sequence[JudgedSong], num_tracks: int
) -> Iterator[str]:
    """Histograms of the features that tell the two sets apart best."""
    ours, theirs = (window_features([song.score for song in songs], num_tracks) for songs in (generated, real))
    names = [name for name, contrast in report.told_apart.contrasts.items() if not math.isnan(contrast.auc)]
    yield "<h2>What tells them apart</h2>"
    yield (
        f'<p class="soft">A classifier that tells 8-bar windows apart reaches an AUC of '
        f"{report.told_apart.auc.mean:.2f}, between two sets of real songs {report.real_told_apart.auc.mean:.2f}. "
        "These features separate most, each by itself.</p>"
        '<div class="grid-of-charts narrow">'
    )
    for name in names[:NUM_FEATURES_SHOWN]:
        column = ours.names.index(name)
        values = [table.values[:, column] for table in (ours, theirs)]
        known = [each[~np.isnan(each)].tolist() for each in values]
        label = _feature_label(name)
        yield f"<figure><figcaption>{escape(label)}</figcaption>{histogram_chart(label, *known)}</figure>"
    yield "</div>"


def _feature_label(name: str) -> str:
    """`texture/track 2/polyphony` as people say it."""
    _, part, feature = name.split("/", 2)
    return feature if part == "all" else f"{part}: {feature}"


def _songs(report: ComparisonReport, generated: Sequence[JudgedSong], real: Sequence[JudgedSong]) -> Iterator[str]:
    yield "<h2>Some songs</h2>"
    yield (
        '<p class="soft">Evenly spread over the folder, not picked; beside each a real song, of the same form where '
        "there is one. In the squares, every bar is held against every bar: the darker, the more notes they share.</p>"
    )
    count = min(NUM_SONGS_SHOWN, len(generated))
    for place in range(count):
        index = place * len(generated) // count
        other = _counterpart(generated[index], real, place * len(real) // count)
        yield '<div class="pair">'
        yield _song("Generated", generated[index], report.generated.songs[index])
        yield _song("Real", real[other], report.real.songs[other])
        yield "</div>"


def _counterpart(song: JudgedSong, real: Sequence[JudgedSong], otherwise: int) -> int:
    """The first real song with the same form, else the one named."""
    same = (index for index, each in enumerate(real) if each.score.sections == song.score.sections)
    return next(same, otherwise)


def _song(kind: str, song: JudgedSong, report: SongReport) -> str:
    score, name = song.score, f"{kind}: {song.name}" if kind == "Generated" else f"Real song {song.name}"
    facts = {
        "bars": str(score.num_bars),
        "form": format_form(score.sections) or "none",
        "homologous less different bars": _number(report.repetition.section_contrast),
        "bars repeated exactly": _number(report.repetition.repeated_bars),
        "beats agreeing with chord, less wrong chord": _number(report.chords.difference),
        "nearest training song, highest": _number(report.likeness_highest),
    }
    told = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts.items())
    if score.num_bars > MAX_BARS_DRAWN:
        pictures = f'<p class="soft">Songs of more than {MAX_BARS_DRAWN} bars are not drawn.</p>'
    else:
        roll = _picture(piano_roll(score, width_px=PIANO_ROLL_PX), f"Piano roll of {name}")
        square = _picture(self_similarity(score, width_px=SELF_SIMILARITY_PX), f"Self-similarity of the bars of {name}")
        pictures = f'<div class="song-pictures">{roll}{square}</div>'
    return f"<figure><figcaption><h3>{escape(name)}</h3></figcaption>{pictures}<dl>{told}</dl></figure>"


def _picture(picture: Image, description: str) -> str:
    file = io.BytesIO()
    picture.quantize(NUM_COLOURS).save(file, format="PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img class="picture" {size} alt="{escape(description)}" src="data:image/png;base64,{data}">'


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.3f}"
