"""Pictures of a song: its piano roll, and how alike its bars are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from phraseloom.errors import RequestError, UnsupportedScoreError
from phraseloom.files import written_beside
from phraseloom.form import Section, format_form
from phraseloom.score import Score, Track
from phraseloom.similarity import note_set_jaccard

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

TRACK_COLOURS: tuple[Colour, ...] = (
    (214, 69, 65),
    (222, 143, 5),
    (36, 113, 163),
    (39, 145, 94),
    (125, 60, 152),
    (17, 140, 148),
    (190, 62, 130),
    (112, 100, 60),
)
VOCAL_COLOURS: tuple[Colour, ...] = (
    (92, 134, 201),
    (233, 133, 106),
    (104, 176, 132),
    (168, 127, 196),
    (222, 178, 75),
    (92, 180, 190),
    (214, 120, 160),
)
INSTRUMENTAL_COLOURS: tuple[Colour, ...] = ((128, 134, 146), (150, 140, 126), (104, 116, 128), (146, 138, 150))
PAPER: Colour = (255, 255, 255)
INK: Colour = (38, 42, 51)
FAINT_INK: Colour = (118, 124, 136)
BAR_LINE: Colour = (214, 218, 225)
SECTION_LINE: Colour = (108, 114, 126)

MAX_BARS_A_ROW = 32
BARS_A_ROUND = 4
MIN_LANE_SEMITONES = 14
LANE_SCALES = ((4, 4.0), (8, 3.0))
"""Up to so many tracks, so many pixels a semitone."""
SMALLEST_SEMITONE_PX = 2.0
MARGIN = 18
GUTTER = 104
TITLE_HEIGHT = 46
SECTION_HEIGHT = 22
BAR_NUMBER_HEIGHT = 15
CHORD_HEIGHT = 17
LANE_GAP = 5
ROW_GAP = 20
OVERSAMPLING = 2
MIN_WIDTH_PX = 400
MAX_PIXELS = 40_000_000
MAX_SIMILARITY_BARS = 1000
SOFTEST_OPACITY = 0.3


def piano_roll(score: Score, *, width_px: int = 1600) -> Image.Image:
    """The whole song as a picture.

    Long songs are broken into rows of bars. A row shows, from the top: the sections as blocks with their letters and
    bars, bar numbers (from 1), chords where they fit, and one lane a track. A note is as opaque as it is loud.

    Args:
        score: the song.
        width_px: width of the picture, at least 400; its height follows from the song.

    Raises:
        RequestError: `width_px` is under 400, or the picture would have more than 40 million pixels.
    """
    _check_width(width_px)
    layout = _Layout.of(score, width_px)
    _check_size(width_px, layout.height_px)
    canvas = _Canvas(width_px, layout.height_px)
    _draw_title(canvas, score)
    for row in layout.rows():
        _draw_row(canvas, score, row)
    return canvas.picture()


def self_similarity(score: Score, *, width_px: int = 900) -> Image.Image:
    """Every bar against every bar: the darker, the more notes they share; lines where sections start.

    The measure is the note-set Jaccard index, see `phraseloom.similarity.note_set_jaccard`; pairs of silent bars are
    grey.

    Args:
        score: the song.
        width_px: width of the picture, at least 400; its height differs only by the title.

    Raises:
        RequestError: `width_px` is under 400, or the picture would have more than 40 million pixels.
        UnsupportedScoreError: the song has more than 1,000 bars.
    """
    _check_width(width_px)
    if score.num_bars > MAX_SIMILARITY_BARS:
        raise UnsupportedScoreError(
            f"the song has {score.num_bars} bars; up to {MAX_SIMILARITY_BARS} can be drawn one against another",
            "draw a shorter part of the song",
        )
    left, top = MARGIN + SECTION_HEIGHT + 4, TITLE_HEIGHT + SECTION_HEIGHT + 4
    side = width_px - left - MARGIN
    height_px = top + side + MARGIN
    _check_size(width_px, height_px)
    canvas = _Canvas(width_px, height_px)
    _draw_title(canvas, score)
    canvas.paste(_similarity_cells(score), (left, top, left + side, top + side))
    bar_px = side / score.num_bars
    for block in _section_blocks(score.sections):
        start, end = block.start * bar_px, block.end * bar_px
        canvas.rectangle((left + start, top - SECTION_HEIGHT - 4, left + end - 1, top - 4), block.colour, radius=3)
        canvas.rectangle((left - SECTION_HEIGHT - 4, top + start, left - 4, top + end - 1), block.colour, radius=3)
        canvas.text_in((left + start, top - SECTION_HEIGHT - 4, left + end, top - 4), block.letter, 13, PAPER)
        canvas.text_in((left - SECTION_HEIGHT - 4, top + start, left - 4, top + end), block.letter, 13, PAPER)
        if block.start:
            canvas.line((left + start, top, left + start, top + side), SECTION_LINE)
            canvas.line((left, top + start, left + side, top + start), SECTION_LINE)
    return canvas.picture()


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write `picture` as PNG; a file that is there is replaced only by a whole one."""
    with written_beside(path) as part:
        picture.save(part, format="PNG", optimize=True)


def _check_width(width_px: int) -> None:
    if width_px < MIN_WIDTH_PX:
        raise RequestError(f"a picture {width_px} pixels wide", f"ask for a width of at least {MIN_WIDTH_PX} pixels")


def _check_size(width_px: int, height_px: int) -> None:
    if width_px * height_px > MAX_PIXELS:
        raise RequestError(
            f"the picture would be {width_px} pixels wide and {height_px} high",
            "ask for a narrower picture, or draw a shorter song",
        )


@dataclass(frozen=True)
class _SectionBlock:
    letter: str
    colour: Colour
    start: int
    """First bar."""
    end: int
    """The bar behind the last."""


def _section_blocks(sections: Sequence[Section]) -> list[_SectionBlock]:
    """The sections with their bars and colours: one colour a letter, greys for those without vocals."""
    letters = list(dict.fromkeys(section.letter for section in sections))
    colours: dict[str, Colour] = {}
    for group, palette in (
        ([letter for letter in letters if letter.isupper()], VOCAL_COLOURS),
        ([letter for letter in letters if not letter.isupper()], INSTRUMENTAL_COLOURS),
    ):
        colours |= {letter: palette[index % len(palette)] for index, letter in enumerate(group)}
    ends = accumulate(section.num_bars for section in sections)
    return [
        _SectionBlock(section.letter, colours[section.letter], end - section.num_bars, end)
        for section, end in zip(sections, ends, strict=True)
    ]


@dataclass(frozen=True)
class _Lane:
    """Where a track is drawn inside a row; `top_px` counts from the row's top."""

    track: Track
    colour: Colour
    low_pitch: int
    high_pitch: int
    semitone_px: float
    top_px: float

    @property
    def height_px(self) -> float:
        return (self.high_pitch - self.low_pitch + 1) * self.semitone_px

    def y_of(self, pitch: int) -> float:
        """Top edge of the pitch, from the lane's top."""
        return (self.high_pitch - pitch) * self.semitone_px


@dataclass(frozen=True)
class _Row:
    """A run of bars and the place where it is drawn."""

    first_bar: int
    last_bar: int
    """The bar behind the last one."""
    first_tick: int
    last_tick: int
    left_px: float
    top_px: float
    tick_px: float
    header_px: float
    bottom_px: float
    lanes: tuple[_Lane, ...]

    def x_of(self, tick: float) -> float:
        return self.left_px + (tick - self.first_tick) * self.tick_px

    @property
    def right_px(self) -> float:
        return self.x_of(self.last_tick)


@dataclass(frozen=True)
class _Layout:
    """Places of everything: rows of equally many bars, all with the same lanes and the same scale of time."""

    score: Score
    lanes: tuple[_Lane, ...]
    bars_a_row: int
    tick_px: float
    header_px: float

    @classmethod
    def of(cls, score: Score, width_px: int) -> _Layout:
        num_rows = -(-score.num_bars // MAX_BARS_A_ROW)
        bars_a_row = -(-score.num_bars // num_rows)
        if num_rows > 1:
            bars_a_row = -(-bars_a_row // BARS_A_ROUND) * BARS_A_ROUND
        edges = score.bar_start_ticks
        starts = range(0, score.num_bars, bars_a_row)
        longest = max(edges[min(start + bars_a_row, score.num_bars)] - edges[start] for start in starts)
        header = BAR_NUMBER_HEIGHT + SECTION_HEIGHT * bool(score.sections) + CHORD_HEIGHT * bool(score.chords)
        return cls(score, _lanes(score), bars_a_row, (width_px - 2 * MARGIN - GUTTER) / float(longest), header + 4)

    @property
    def row_height_px(self) -> float:
        last = self.lanes[-1] if self.lanes else None
        return self.header_px + (last.top_px + last.height_px if last else 0)

    @property
    def height_px(self) -> int:
        num_rows = -(-self.score.num_bars // self.bars_a_row)
        return round(TITLE_HEIGHT + num_rows * (self.row_height_px + ROW_GAP) - ROW_GAP + MARGIN)

    def rows(self) -> Iterator[_Row]:
        edges = self.score.bar_start_ticks
        for index, first in enumerate(range(0, self.score.num_bars, self.bars_a_row)):
            last = min(first + self.bars_a_row, self.score.num_bars)
            top = TITLE_HEIGHT + index * (self.row_height_px + ROW_GAP)
            yield _Row(
                first_bar=first,
                last_bar=last,
                first_tick=int(edges[first]),
                last_tick=int(edges[last]),
                left_px=MARGIN + GUTTER,
                top_px=top,
                tick_px=self.tick_px,
                header_px=self.header_px,
                bottom_px=top + self.row_height_px,
                lanes=self.lanes,
            )


def _lanes(score: Score) -> tuple[_Lane, ...]:
    """A lane for every track with notes; the fewer the tracks, the higher their lanes."""
    sounding = [(index, track) for index, track in enumerate(score.tracks) if len(track.notes)]
    semitone_px = next((px for most, px in LANE_SCALES if len(sounding) <= most), SMALLEST_SEMITONE_PX)
    lanes: list[_Lane] = []
    top = 0.0
    for index, track in sounding:
        low, high = _pitch_range(track)
        lanes.append(_Lane(track, TRACK_COLOURS[index % len(TRACK_COLOURS)], low, high, semitone_px, top))
        top += lanes[-1].height_px + LANE_GAP
    return tuple(lanes)


def _pitch_range(track: Track) -> tuple[int, int]:
    """The lane's lowest and highest pitch: what the track plays, with a semitone around it, and never too narrow."""
    low, high = int(track.notes.pitch.min()) - 1, int(track.notes.pitch.max()) + 1
    missing = max(0, MIN_LANE_SEMITONES - (high - low + 1))
    return low - missing // 2, high + (missing - missing // 2)


def _draw_title(canvas: _Canvas, score: Score) -> None:
    facts = [f"{score.num_bars} bars"]
    if score.key is not None:
        facts.append(str(score.key))
    facts.append(f"{score.tempo_bpm:g} bpm")
    minutes, seconds = divmod(round(score.duration_seconds), 60)
    facts.append(f"{minutes}:{seconds:02d}")
    if score.sections:
        facts.append(format_form(score.sections))
    left = float(MARGIN)
    if score.title:
        canvas.text((left, TITLE_HEIGHT / 2), score.title, 20, INK, anchor="lm")
        left += canvas.text_width(score.title, 20) + 18
    canvas.text((left, TITLE_HEIGHT / 2 + 1), "   ".join(facts), 14, FAINT_INK, anchor="lm")


def _draw_row(canvas: _Canvas, score: Score, row: _Row) -> None:
    _draw_lane_backgrounds(canvas, row)
    _draw_sections(canvas, score, row)
    _draw_bars(canvas, score, row)
    _draw_chords(canvas, score, row)
    for lane in row.lanes:
        _draw_notes(canvas, row, lane)


def _draw_lane_backgrounds(canvas: _Canvas, row: _Row) -> None:
    """The lanes' fields, names, and a line at every C, named where it falls inside the lane."""
    for lane in row.lanes:
        top = row.top_px + row.header_px + lane.top_px
        canvas.rectangle((row.left_px, top, row.right_px, top + lane.height_px), _mixed(lane.colour, PAPER, 0.05))
        canvas.text((MARGIN, top + 9), _shortened(canvas, lane.track.name, 14, GUTTER - 30), 14, lane.colour, "lm")
        if lane.track.is_drum:
            continue
        for pitch in range(-(-lane.low_pitch // 12) * 12, lane.high_pitch + 1, 12):
            y = top + lane.y_of(pitch) + lane.semitone_px
            canvas.line((row.left_px, y, row.right_px, y), _mixed(lane.colour, PAPER, 0.2))
            if y - lane.semitone_px >= top:
                canvas.text((row.left_px - 6, y - lane.semitone_px / 2), f"C{pitch // 12 - 1}", 10, FAINT_INK, "rm")


def _draw_sections(canvas: _Canvas, score: Score, row: _Row) -> None:
    edges = score.bar_start_ticks
    for block in _section_blocks(score.sections):
        first, last = max(block.start, row.first_bar), min(block.end, row.last_bar)
        if first >= last:
            continue
        left, right = row.x_of(edges[first]), row.x_of(edges[last])
        box = (left, row.top_px, right - 1.5, row.top_px + SECTION_HEIGHT)
        canvas.rectangle(box, block.colour, radius=4)
        canvas.rectangle((left, row.top_px + row.header_px, right, row.bottom_px), block.colour, opacity=0.09)
        continued = first > block.start
        label = f"({block.letter})" if continued else block.letter
        bars = f"{block.start + 1}-{block.end}" if block.end - block.start > 1 else f"{block.start + 1}"
        if canvas.text_width(f"{label}   {bars}", 14) < right - left - 12:
            canvas.text((left + 7, row.top_px + SECTION_HEIGHT / 2), label, 15, PAPER, "lm")
            canvas.text((right - 8, row.top_px + SECTION_HEIGHT / 2), bars, 11, PAPER, "rm")
        else:
            canvas.text_in(box, label, 13, PAPER)


def _draw_bars(canvas: _Canvas, score: Score, row: _Row) -> None:
    """Bar lines through the lanes, stronger where a section starts, and the numbers of every fourth bar."""
    edges = score.bar_start_ticks
    top = row.top_px + row.header_px
    section_starts = {block.start for block in _section_blocks(score.sections)}
    number_y = row.top_px + SECTION_HEIGHT * bool(score.sections) + BAR_NUMBER_HEIGHT / 2 + 1
    for bar in range(row.first_bar, row.last_bar + 1):
        x = row.x_of(edges[bar])
        canvas.line((x, top, x, row.bottom_px), SECTION_LINE if bar in section_starts else BAR_LINE)
        if bar < row.last_bar and (bar % BARS_A_ROUND == 0 or bar in section_starts):
            canvas.text((x + 3, number_y), str(bar + 1), 11, FAINT_INK, "lm")


def _draw_chords(canvas: _Canvas, score: Score, row: _Row) -> None:
    """The chords' names over their place; one that does not fit before the next is left out."""
    y = row.top_px + row.header_px - 4 - CHORD_HEIGHT / 2
    free_from = row.left_px
    for span in score.chords:
        if not row.first_tick <= span.onset_ticks < row.last_tick:
            continue
        left = row.x_of(span.onset_ticks) + 3
        right = row.x_of(min(span.onset_ticks + span.duration_ticks, row.last_tick))
        end = left + canvas.text_width(str(span.chord), 12)
        if left >= free_from and end <= right + 2:
            canvas.text((left, y), str(span.chord), 12, INK, "lm")
            free_from = end


def _draw_notes(canvas: _Canvas, row: _Row, lane: _Lane) -> None:
    """Notes that sound in the row; one that rings over the row's end goes on in the next, without a struck edge."""
    notes = lane.track.notes
    top = row.top_px + row.header_px + lane.top_px
    sounding = (notes.onset_ticks < row.last_tick) & (notes.end_ticks > row.first_tick)
    for onset, duration, pitch, velocity in notes.table[sounding].tolist():
        left = row.x_of(max(onset, row.first_tick))
        right = max(row.x_of(min(onset + duration, row.last_tick)) - 0.5, left + 1.5)
        y = top + lane.y_of(pitch)
        opacity = SOFTEST_OPACITY + (1 - SOFTEST_OPACITY) * velocity / 127
        canvas.rectangle((left, y, right, y + lane.semitone_px), lane.colour, opacity=opacity)
        if onset >= row.first_tick:  # a dark edge tells struck notes from held ones
            canvas.rectangle((left, y, left + 1, y + lane.semitone_px), _mixed(INK, lane.colour, 0.45))


def _similarity_cells(score: Score) -> Image.Image:
    """One pixel a pair of bars."""
    similarity = note_set_jaccard(score)
    shade = np.sqrt(np.nan_to_num(similarity))[..., None]  # the root brings out small likeness
    colours = np.array(PAPER) * (1 - shade) + np.array(TRACK_COLOURS[2]) * 0.7 * shade
    colours[np.isnan(similarity)] = BAR_LINE
    return Image.fromarray(colours.round().astype(np.uint8))


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """`share` of `colour`, the rest of `other`."""
    red, green, blue = (round(share * a + (1 - share) * b) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _shortened(canvas: _Canvas, text: str, size_px: int, width_px: float) -> str:
    """`text`, cut with an ellipsis where it is wider than `width_px`."""
    if canvas.text_width(text, size_px) <= width_px:
        return text
    while text and canvas.text_width(text + "...", size_px) > width_px:
        text = text[:-1]
    return text.rstrip() + "..."


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


class _Canvas:
    """Drawing in picture coordinates on a larger image, reduced at the end so that every edge is smooth."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self._size = (width_px, height_px)
        self._image = Image.new("RGB", (width_px * OVERSAMPLING, height_px * OVERSAMPLING), PAPER)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def rectangle(self, box: Box, colour: Colour, *, opacity: float = 1.0, radius: float = 0.0) -> None:
        left, top, right, bottom = (round(value * OVERSAMPLING) for value in box)
        inside = (left, top, max(left, right - 1), max(top, bottom - 1))  # the library counts both ends in
        fill = (*colour, round(255 * opacity))
        if radius:
            self._draw.rounded_rectangle(inside, radius * OVERSAMPLING, fill)
        else:
            self._draw.rectangle(inside, fill)

    def line(self, ends: Box, colour: Colour) -> None:
        """A line one pixel wide."""
        self._draw.line([round(value * OVERSAMPLING) for value in ends], colour, OVERSAMPLING)

    def text(self, at: tuple[float, float], text: str, size_px: int, colour: Colour, anchor: str = "lm") -> None:
        """Text at a point; `anchor` as in Pillow: horizontal l, m, r, then vertical t, m, b."""
        x, y = (round(value * OVERSAMPLING) for value in at)
        self._draw.text((x, y), text, colour, _font(size_px * OVERSAMPLING), anchor)

    def text_in(self, box: Box, text: str, size_px: int, colour: Colour) -> None:
        """Text in the middle of a box, left out where it does not fit."""
        left, top, right, bottom = box
        if self.text_width(text, size_px) <= right - left and size_px <= bottom - top:
            self.text(((left + right) / 2, (top + bottom) / 2), text, size_px, colour, "mm")

    def text_width(self, text: str, size_px: int) -> float:
        return self._draw.textlength(text, _font(size_px * OVERSAMPLING)) / OVERSAMPLING

    def paste(self, picture: Image.Image, box: Box) -> None:
        """`picture` over the box, its pixels kept as sharp squares."""
        left, top, right, bottom = (round(value * OVERSAMPLING) for value in box)
        self._image.paste(picture.resize((right - left, bottom - top), Image.Resampling.NEAREST), (left, top))

    def picture(self) -> Image.Image:
        return self._image.resize(self._size, Image.Resampling.LANCZOS)
