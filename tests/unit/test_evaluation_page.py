"""The page of a comparison: whole, from nowhere else, and with every figure on it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from phraseloom.evaluation.bootstrap import Estimate
from phraseloom.evaluation.comparison import ComparisonReport, JudgedSong, compare_songs
from phraseloom.evaluation.latent_distance import latent_distance
from phraseloom.evaluation.plan_adherence import AskedSong, plan_adherence
from phraseloom.evaluation_page.charts import histogram_chart, interval_chart, strip_chart
from phraseloom.evaluation_page.page import comparison_page
from support.songs import make_song

VOID = {"meta", "img", "br", "line", "circle", "path"}
NOTHING = Estimate(np.nan, np.nan, np.nan, 0)


class Outline(HTMLParser):
    """Which elements a page has, and whether each is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.charts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs))
        self.charts += tag == "svg"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID


def judged(seeds: range, prefix: str = "") -> list[JudgedSong]:
    songs = []
    for seed in seeds:
        score = make_song(seed, form="A8 B8 A8")
        asked = AskedSong(score.num_bars, score.sections, score.key)
        songs.append(JudgedSong(f"{prefix}{seed}", score, plan_adherence(score, asked, score.sections, score.key)))
    return songs


@pytest.fixture(scope="module")
def songs() -> tuple[list[JudgedSong], list[JudgedSong]]:
    generated = judged(range(4), "<song> & ")
    return [replace(generated[0], score=make_song(0, form="A100 B100 A100")), *generated[1:]], judged(range(4, 8))


@pytest.fixture(scope="module")
def report(songs: tuple[list[JudgedSong], list[JudgedSong]]) -> ComparisonReport:
    rng = np.random.default_rng(0)
    latents = [[rng.normal(size=(20, 4)) for _ in range(4)] for _ in range(4)]
    others = [make_song(seed, form="A8 B8 A8") for seed in range(8, 14)]
    silent = lambda doing, share: None  # noqa: E731
    return compare_songs(*songs, others[:3], others[3:], silent, latents=latent_distance(*latents))


@pytest.fixture(scope="module")
def page(songs: tuple[list[JudgedSong], list[JudgedSong]], report: ComparisonReport) -> str:
    return comparison_page(report, *songs, num_tracks=3)


def test_the_frechet_row_says_what_other_real_songs_have(report: ComparisonReport) -> None:
    assert report.latents is not None
    figures = report.latents.correct
    row = next(row for row in report.rows() if row.label == "Fréchet distance of phrase latents")
    assert row.note == f"ratio {figures.ratio}, of other real songs {figures.real_ratio}"


def test_every_element_is_closed_and_every_picture_described(page: str):
    outline = Outline(page)
    assert outline.open == []
    # Of three pairs of songs one is too long to be drawn; a roll and a square for each of the others.
    assert len(outline.images) == 2 * 5
    assert all(image["alt"] and str(image["src"]).startswith("data:image/png;base64,") for image in outline.images)
    assert outline.charts > 20


def test_nothing_is_fetched_from_elsewhere(page: str):
    without_data = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"https?:|//\w|@import|url\(|<script|<link", without_data)
    assert "default-src 'none'" in page


def test_names_are_text_and_no_markup(page: str):
    assert "&lt;song&gt; &amp; 1" in page
    assert "<song>" not in page


def test_every_figure_of_the_report_is_there(page: str, report: ComparisonReport):
    for row in report.rows():
        assert row.label in page
        assert f"{row.generated.mean:.3f}" in page
    assert "songs of as many bars as asked" in page
    assert "Fréchet distance of phrase latents" in page


@pytest.mark.parametrize(
    "chart",
    [
        interval_chart(Estimate(0.5, 0.4, 0.6, 8), Estimate(0.7, 0.6, 0.8, 8)),
        interval_chart(NOTHING, NOTHING),
        interval_chart(Estimate(-0.5, -1.0, 0.1, 2), NOTHING),
        strip_chart("a < b", [0.1, 0.2], [0.3]),
        strip_chart("none", [], []),
        strip_chart("equal", [1.0], [1.0]),
        histogram_chart("many", list(np.linspace(0, 1, 50)), [0.5] * 20),
        histogram_chart("one value", [3.0], [3.0]),
        histogram_chart("none", [], []),
    ],
)
def test_charts_are_whole_and_stay_inside(chart: str):
    svg = ElementTree.fromstring(chart)
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    for element in svg:
        for name, most in (("x1", width), ("x2", width), ("cx", width), ("y1", height), ("y2", height), ("cy", height)):
            assert 0 <= float(element.attrib.get(name, 0)) <= most


def test_a_mean_lies_where_its_axis_says():
    svg = ElementTree.fromstring(strip_chart("half", [0.5], [1.0]))
    places = {line.attrib["class"]: float(line.attrib["x1"]) for line in svg if "mean" in line.attrib.get("class", "")}
    start = min(float(line.attrib["x1"]) for line in svg if line.attrib.get("class") == "grid")
    assert places["generated mean"] - start == pytest.approx((places["real mean"] - start) / 2, abs=0.2)
