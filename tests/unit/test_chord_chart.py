"""Chord charts: what musicians type, the bars it means, and where it is wrong."""

from __future__ import annotations

import pytest

from phraseloom.chord_chart import ChartPart, ChordChart, chart_of, format_chart, parse_chart
from phraseloom.errors import ParseError, RequestError
from phraseloom.form import parse_form
from phraseloom.harmony import Chord, parse_chord, parse_key
from phraseloom.score import ChordSpan

EXAMPLE = "A: C Am F G; B: F | G Em . Am"


def bars(text: str) -> tuple[tuple[Chord, ...], ...]:
    """The bars of `C / G Em`, with a slash by itself between bars."""
    return tuple(tuple(map(parse_chord, bar.split())) for bar in text.split(" / "))


def spans(text: str) -> tuple[ChordSpan, ...]:
    """Spans written as `0-48 C, 48-96 Am`."""
    rows = (row.split() for row in text.split(", "))
    ends = [(*map(int, where.split("-")), parse_chord(chord)) for where, chord in rows]
    return tuple(ChordSpan(start, end - start, chord) for start, end, chord in ends)


def test_example() -> None:
    chart = parse_chart(EXAMPLE)
    assert chart == ChordChart((ChartPart("A", bars("C / Am / F / G")), ChartPart("B", bars("F / G Em Em Am"))))
    assert str(chart) == EXAMPLE
    assert chart.letters == ("A", "B")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C Am F G", "C / Am / F / G"),
        (" c, am ,F G ", "C / Am / F / G"),
        ("Am7/G NC N.C. Bbsus4", "Am7/G / N.C. / N.C. / Bbsus4"),
        ("G7(b9, 13) C(add9)", "G7(b9,13) / C(add9)"),
        ("C:maj A:min7/b7", "C / Am7/G"),
        ("C | Am", "C / Am"),
        ("| C | Am |", "C / Am"),
        ("| C Am |", "C Am"),
        ("C . F G | Am", "C C F G / Am"),
        ("C | . F", "C / C F"),
        ("C . F", "C / C / F"),
        ("C . | G C C C", "C / G C C C"),
        ("C % F %", "C / C / F / F"),
        ("C F | % | G", "C F / C F / G"),
        ("C Am x2", "C / Am / C / Am"),
        ("C Am \N{MULTIPLICATION SIGN}2", "C / Am / C / Am"),
        ("C Am x2 F G X 3", "C / Am / C / Am / F / G / F / G / F / G"),
        ("C || Am F x2", "C / Am / F / Am / F"),
        ("C G | F x2 | Am", "C G / F / C G / F / Am"),
        ("|| C | G || F | x02 ||", "C / G / F / F"),
        ("C F || G", "C / F / G"),
        ("C\nAm F x2\r\n. G", "C / Am / F / Am / F / F / G"),
        ("C F | G\nAm Em", "C F / G / Am / Em"),
        ("C; Am", "C / Am"),
    ],
)
def test_bars_of_a_whole_song(text: str, expected: str) -> None:
    assert parse_chart(text) == ChordChart((ChartPart(None, bars(expected)),))
    assert parse_chart(f"A: {text}".replace(";", "\n")) == ChordChart((ChartPart("A", bars(expected)),))


@pytest.mark.parametrize(
    "text",
    [
        "A: C G; B: C G",
        "A,B:C G",
        " A , B : C G ;",
        "A: C\nG\n\nB: C | G",
        "A: C G x1;B: C G",
        "A: | C | G |;\n;B: C . | G .",
        "A: C:maj G:maj\r\nB:C:maj G",
    ],
)
def test_parts_and_their_letters(text: str) -> None:
    assert parse_chart(text) == ChordChart((ChartPart("A", bars("C / G")), ChartPart("B", bars("C / G"))))


def test_a_harte_label_is_no_letter() -> None:
    assert parse_chart("A:min7 D:7") == ChordChart((ChartPart(None, bars("Am7 / D7")),))
    assert parse_chart("A:D") == ChordChart((ChartPart("A", bars("D")),))


@pytest.mark.parametrize(
    ("text", "token", "message"),
    [
        ("", "", "empty"),
        (" ;\n ", " ;\n ", "empty"),
        ("||", "||", "empty"),
        ("A: C; B:", "B", "B has no chords"),
        ("A: C Q7 F", "Q7", "no chord starts with 'Q7'"),
        ("A: C\nB: Fmaj7 Amx F", "x", "no part of a chord"),
        ("C | Am F G | C", "Am F G", "3 chords cannot share a bar"),
        ("C | C D E F G", "C D E F G", "5 chords cannot share a bar"),
        ("A: C; B: . F", ".", "no chord before"),
        ("A: C; B: % F", "%", "no bar before"),
        ("C | F % | G", "%", "a whole bar"),
        ("C | | G", "| |", "no chord between"),
        ("A: x2 C", "x2", "no bar before x2"),
        ("C F || x3", "x3", "no bar before x3"),
        ("C x0", "x0", "no times"),
        ("C F x65", "x65", "over 128 bars"),
        ("C x" + "9" * 5000, "x" + "9" * 5000, "over 128 bars"),
        ("C x64 F x64 G", "G", "over 128 bars"),
        ("A: C; A: F", "A", "chords already"),
        ("A, A: F", "A", "chords already"),
        ("Verse: C F", "Verse", "'Verse' is no letter"),
        ("A, é: C F", "é", "'é' is no letter"),
        ("A: C F B: G", "B:", "behind other chords"),
        ("C F; A: G", "C F", "no letter"),
        ("A: G; C F", "C F", "no letter"),
    ],
)
def test_error_points_at_the_token(text: str, token: str, message: str) -> None:
    with pytest.raises(ParseError, match=message) as raised:
        parse_chart(text)
    assert text[raised.value.start : raised.value.end] == token
    assert raised.value.remedy


def test_three_chords_in_a_bar_are_told_what_to_type() -> None:
    with pytest.raises(ParseError) as raised:
        parse_chart("A: C\nB: F | G Em Am")
    assert str(raised.value).splitlines() == [
        "3 chords cannot share a bar of four beats evenly",
        "  B: F | G Em Am",
        "         ^^^^^^^",
        "  write 1, 2 or 4 a bar, with . to hold a chord for one more share, such as | C . F G |",
    ]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), "at least one part"),
        ((ChartPart("A", bars("C")), ChartPart("A", bars("F"))), "twice"),
        ((ChartPart("A", bars("C")), ChartPart(None, bars("F"))), "whole song"),
    ],
)
def test_impossible_charts_are_refused(parts: tuple[ChartPart, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChordChart(parts)


@pytest.mark.parametrize(("letter", "text"), [("AB", "C"), ("1", "C"), ("A", "C F G"), ("A", " / ".join(["C"] * 129))])
def test_impossible_parts_are_refused(letter: str, text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        ChartPart(letter, bars(text))
    with pytest.raises(ValueError, match="0 bars"):
        ChartPart("A", ())


def test_printing() -> None:
    assert str(parse_chart("| C Am |")) == "| C Am |"
    assert str(parse_chart("A, b: C C F F | G G")) == "A: C F | G; b: C F | G"
    assert str(parse_chart("A: C x2\n%")) == "A: C C C"
    assert format_chart(parse_chart("D#m A#7/D"), parse_key("Eb minor")) == "Ebm Bb7/D"


def test_spans_of_the_example() -> None:
    chart = parse_chart(EXAMPLE)
    assert chart.spans(parse_form("i2 A3 B3")) == spans(
        "96-144 C, 144-192 Am, 192-240 F, "  # cut off before G
        "240-288 F, 288-300 G, 300-324 Em, 324-336 Am, 336-384 F"  # joined within a section only, and begun again
    )


def test_spans_of_a_whole_song_run_on() -> None:
    chart = parse_chart("C C G N.C.")
    assert chart.spans(parse_form("i1 A4 B1")) == spans("0-48 C, 48-96 C, 96-144 G, 144-192 N.C., 192-240 C, 240-288 C")


def test_spans_in_bars_of_another_length() -> None:
    assert parse_chart("C | F G").spans(parse_form("A2"), ticks_per_bar=96) == spans("0-96 C, 96-144 F, 144-192 G")
    with pytest.raises(ValueError, match="multiple of 4"):
        parse_chart("C").spans(parse_form("A2"), ticks_per_bar=42)


def test_letters_that_the_form_lacks_are_named() -> None:
    with pytest.raises(RequestError, match="chords for B, c, but the form is i4 A8 A8") as raised:
        parse_chart("A, B, c: C").spans(parse_form("i4 A8 A8"))
    assert raised.value.remedy == "give chords for letters of the form: i, A"


def test_chart_of_a_song() -> None:
    form = parse_form("i1 A4 B2 A4 o1")
    song = spans(
        "48-96 C, 96-144 G, 144-192 C, 192-240 G, "
        "240-287 F, 287-300 G7, 300-302 Am, 302-336 Em, "  # a beat of G7, Am too short to stay
        "336-528 D, 528-552 C"
    )
    assert str(chart_of(song, form)) == "A: C G; B: F | G7 Em . .; o: | C N.C. |"


def test_chart_of_a_song_takes_the_longest_section() -> None:
    assert str(chart_of(spans("0-48 C, 48-96 F, 96-144 G, 144-192 F"), parse_form("A1 A3"))) == "A: F G F"


def test_chart_of_a_song_without_chords() -> None:
    assert chart_of((), parse_form("i4 A8")) is None
    assert chart_of(spans("48-96 C"), parse_form("A1")) is None
