"""Laws of chord charts: what is printed reads back, text never ends in a traceback, spans fill what is named."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from phraseloom.chord_chart import Bar, ChartPart, ChordChart, chart_of, format_chart, parse_chart
from phraseloom.errors import ParseError
from phraseloom.form import Section, num_bars_of
from phraseloom.harmony import NO_CHORD, Chord, Key, parse_chord
from phraseloom.score import ChordSpan, Score

LETTERS = "ABio"
FEW_CHORDS = tuple(map(parse_chord, ("C", "Am7/G", "F#dim")))

pitch_classes = st.integers(0, 11)
intervals = st.frozensets(st.integers(1, 11)).map(lambda upper: upper | {0})
chords = st.one_of(st.sampled_from((*FEW_CHORDS, NO_CHORD)), st.builds(Chord, pitch_classes, intervals, pitch_classes))
keys = st.builds(Key, pitch_classes, st.sampled_from(("major", "minor")))
bars = st.sampled_from((1, 2, 4)).flatmap(lambda size: st.tuples(*[chords] * size))
parts = st.lists(bars, min_size=1, max_size=6).map(tuple)
song_charts = parts.map(lambda part: ChordChart((ChartPart(None, part),)))
letter_charts = st.dictionaries(st.sampled_from(LETTERS), parts, min_size=1).map(
    lambda by_letter: ChordChart(tuple(ChartPart(letter, part) for letter, part in by_letter.items()))
)
charts = st.one_of(song_charts, letter_charts)
other_sections = st.lists(st.builds(Section, st.sampled_from(LETTERS), st.integers(1, 9)), min_size=1, max_size=5)
words = st.sampled_from(
    ("C", "Am7/G", "N.C.", ".", "%", "|", "||", "x2", "x3", ";", "\n", "A:", "B :", "A, o:", "G7(b9, 13)", "D:min", "Q")
)
chart_like_texts = st.one_of(
    st.lists(words, max_size=14).map(" ".join), st.text("ABCi:;|.%x2, (\n/m7\x01", max_size=16), st.text(max_size=12)
)


def with_form(chart: ChordChart) -> st.SearchStrategy[tuple[ChordChart, tuple[Section, ...]]]:
    """The chart with a form that has all of its letters."""
    named = st.tuples(*(st.builds(Section, st.just(letter), st.integers(1, 9)) for letter in chart.letters))
    sections = st.tuples(named, other_sections).map(lambda both: [*both[0], *both[1]])
    return st.tuples(st.just(chart), sections.flatmap(st.permutations).map(tuple))


@given(charts, keys)
def test_chart_reads_back_however_it_is_spelled(chart: ChordChart, key: Key) -> None:
    assert parse_chart(str(chart)) == chart
    assert parse_chart(format_chart(chart, key)) == chart
    assert parse_chart(str(chart).replace("; ", "\n")) == chart


def refused(text: str) -> bool:
    """Whether the text is refused, with an error that points into it; any other error goes through."""
    try:
        parse_chart(text)
    except ParseError as error:
        return 0 <= error.start <= error.end <= len(text) and str(error) != ""
    return False


@given(chart_like_texts)
def test_any_text_is_a_chart_or_refused(text: str) -> None:
    assert refused(text) or parse_chart(str(parse_chart(text))) == parse_chart(text)


def chord_at(spans: tuple[ChordSpan, ...], tick: int) -> Chord | None:
    return next((s.chord for s in spans if s.onset_ticks <= tick < s.onset_ticks + s.duration_ticks), None)


def share_at(bar: Bar, beat: int) -> Chord:
    return bar[beat * len(bar) // 4]


@given(charts.flatmap(with_form))
def test_every_beat_has_the_chord_of_its_bar(chart_and_form: tuple[ChordChart, tuple[Section, ...]]) -> None:
    chart, form = chart_and_form
    spans = chart.spans(form)
    assert Score((), num_bars=num_bars_of(form), chords=spans).chords == spans
    bars_of = {part.letter: part.bars for part in chart.parts}
    song_bar = 0
    for section in form:
        for offset in range(section.num_bars):
            part = bars_of.get(section.letter if chart.letters else None)
            bar = part[(offset if chart.letters else song_bar) % len(part)] if part else None
            for beat in range(4):
                expected = share_at(bar, beat) if bar else None
                assert chord_at(spans, song_bar * 48 + beat * 12) == expected
            song_bar += 1


@given(charts.flatmap(with_form))
def test_equal_neighbours_meet_only_where_a_section_starts(
    chart_and_form: tuple[ChordChart, tuple[Section, ...]],
) -> None:
    chart, form = chart_and_form
    starts = {48 * num_bars_of(form[:index]) for index in range(len(form))}
    for before, span in pairwise(chart.spans(form)):
        assert before.chord != span.chord or span.onset_ticks in starts


@given(letter_charts.flatmap(with_form))
def test_chart_of_spans_lays_the_same_spans(chart_and_form: tuple[ChordChart, tuple[Section, ...]]) -> None:
    chart, form = chart_and_form
    spans = chart.spans(form)
    again = chart_of(spans, form)
    assert again is not None
    assert again.spans(form) == spans
