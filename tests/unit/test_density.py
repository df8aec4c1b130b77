"""How many notes a bar tracks play in which section."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.density import FREE, MOST_NOTES, Density, parse_density
from phraseloom.errors import ParseError, RequestError
from phraseloom.form import parse_form
from phraseloom.texture import LOWEST_GRADE, NUM_GRADES, RESTS, UNKNOWN, Aspect, grade

TRACKS = ("Melody", "Bridge", "Grand Piano")
NAMES = ("melody", "bridge", "grand piano")

numbers = st.integers(0, 4 * MOST_NOTES).map(lambda quarters: quarters / 4)
of_tracks = st.dictionaries(st.sampled_from((*NAMES, "all")), numbers, min_size=1).map(lambda of: tuple(of.items()))
densities = st.dictionaries(st.sampled_from("ABcio"), of_tracks, min_size=1).map(
    lambda parts: Density(tuple(parts.items()))
)
words = st.sampled_from(("A:", "B :", "A, o:", "melody", "Grand Piano", "all", "5", "0.5", "65", ",", ";", "\n", "-1"))


def noted(text: str, form: str) -> list[list[int]]:
    """The grades of the notes a bar of each track in each section."""
    return parse_density(text).grades(parse_form(form), TRACKS)[..., Aspect.NOTES].tolist()


def of_notes(notes: float) -> int:
    return grade(Aspect.NOTES, notes)


def test_a_density_laid_over_a_form() -> None:
    few, some, many = of_notes(3), of_notes(9), of_notes(12)
    found = noted("A: melody 3, Grand PIANO 9; o : all 0\ni, B: all 12", "i1 A2 B1 A1 c1 o1")
    of_a = [few, UNKNOWN, some]
    assert found == [[many] * 3, of_a, [many] * 3, of_a, [UNKNOWN] * 3, [RESTS] * 3]


def test_all_stands_for_those_that_are_not_named() -> None:
    assert noted("A: all 12, bridge 0", "A4") == [[of_notes(12), RESTS, of_notes(12)]]


def test_only_notes_are_asked_and_a_rest_is_one_in_every_aspect() -> None:
    grades = parse_density("A: melody 5, bridge 0").grades(parse_form("A4"), TRACKS)
    assert grades.shape == (1, len(TRACKS), len(Aspect))
    assert np.delete(grades[0, 0], Aspect.NOTES).tolist() == [UNKNOWN] * (len(Aspect) - 1)
    assert grades[0, 1:].tolist() == [[RESTS] * len(Aspect), [UNKNOWN] * len(Aspect)]


def test_nothing_asked_is_free() -> None:
    assert (FREE.grades(parse_form("A4 B4"), TRACKS) == UNKNOWN).all()


@pytest.mark.parametrize("text", ["a, B: melody 5", "a: Melody 5; B: MELODY 5.0", " a :melody  5 ,;\n\n B:melody 5;"])
def test_ways_to_say_the_same(text: str) -> None:
    assert parse_density(text).parts == (("a", (("melody", 5.0),)), ("B", (("melody", 5.0),)))


def test_commas_between_tracks_may_be_left_out() -> None:
    assert parse_density("A: grand piano 9 melody 5") == parse_density("A: grand piano 9, melody 5")


def test_text_is_as_short_as_can_be() -> None:
    assert str(parse_density("A,B: Grand Piano 9.50 ,melody 05\no:all 0")) == (
        "A: grand piano 9.5, melody 5; B: grand piano 9.5, melody 5; o: all 0"
    )


@given(densities)
def test_what_is_written_is_read_back(density: Density) -> None:
    assert parse_density(str(density)) == density
    assert parse_density(str(density).replace("; ", "\n")) == density


@pytest.mark.parametrize("number", ["0.5", "12.25", "5.1234567", "0.00001"])
def test_decimals_are_read_back(number: str) -> None:
    density = parse_density(f"A: melody {number}")
    assert density.parts == (("A", (("melody", float(number)),)),)
    assert parse_density(str(density)) == density


def refused(text: str) -> bool:
    """Whether the text is refused, with an error that points into it; any other error goes through."""
    try:
        parse_density(text)
    except ParseError as error:
        return 0 <= error.start <= error.end <= len(text) and str(error) != ""
    return False


@given(st.one_of(st.lists(words, max_size=12).map(" ".join), st.text(max_size=12)))
def test_any_text_is_a_density_or_refused(text: str) -> None:
    assert refused(text) or parse_density(str(parse_density(text))) == parse_density(text)


@pytest.mark.parametrize(
    ("text", "place", "message", "remedy"),
    [
        ("", "", "no density is given", "write a letter, and tracks"),
        (" ;\n", " ;\n", "no density is given", "write a letter, and tracks"),
        ("A: all 3; melody 5", " melody 5", "'melody 5' names no section", "such as A: melody 5, piano 9"),
        ("1: melody 5", "1: melody 5", "'1: melody 5' names no section", "such as A: melody 5"),
        ("A: melody 5\nB:", "B:", "no track is named", "write a letter, and tracks"),
        ("A: melody", "A: melody", "'melody' is no track with its notes a bar", "such as A: melody 5"),
        ("A: melody 5, piano;B: all 2", "A: melody 5, piano", "'piano' is no track with its notes", "such as"),
        ("A: 5", "A: 5", "'5' is no track with its notes a bar", "such as A: melody 5"),
        ("A: melody -5", "A: melody -5", "'melody -5' is no track with its notes a bar", "such as A: melody 5"),
        ("B: all 2; A: melody 65", " A: melody 65", "65 notes a bar", "give 0 to 64"),
        ("A: melody 64.5", "A: melody 64.5", "64.5 notes a bar", "give 0 to 64"),
        ("A: melody 5; A: piano 3", " A: piano 3", "A comes twice", "say once how many notes it has"),
        ("A, B, A: melody 5", "A, B, A: melody 5", "A comes twice", "say once how many notes it has"),
        ("A: melody 5, Melody 6", "A: melody 5, Melody 6", "'Melody' comes twice", "give each track once"),
        ("A: all 5, all 6", "A: all 5, all 6", "'all' comes twice", "give each track once"),
    ],
)
def test_what_is_no_density_is_pointed_at(text: str, place: str, message: str, remedy: str) -> None:
    with pytest.raises(ParseError, match=message) as raised:
        parse_density(text)
    assert text[raised.value.start : raised.value.end] == place
    assert remedy in raised.value.remedy


def test_the_most_notes_are_good() -> None:
    assert noted(f"A: all {MOST_NOTES}", "A4") == [[NUM_GRADES - 1] * 3]


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("A: oboe 5", "no track 'oboe' for A", "choose among Melody, Bridge, Grand Piano"),
        ("A: piano 5", "no track 'piano' for A", "choose among Melody"),
        ("Q: all 5", "a density is given for Q, but the form is A4 b4", "letters of the form: A, b"),
        ("B: all 5", "a density is given for B, but the form is A4 b4", "letters of the form: A, b"),
    ],
)
def test_a_density_that_does_not_fit_is_refused(text: str, message: str, remedy: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        parse_density(text).grades(parse_form("A4 b4"), TRACKS)
    assert remedy in raised.value.remedy


def test_what_is_given_is_kept_and_the_rest_read_off_textures() -> None:
    """The first section of a letter says how it is; silence in all is 0, and what is unknown is left out."""
    form = parse_form("A2 B2 A2 o1")
    textures = np.full((4, 3, len(Aspect)), LOWEST_GRADE)
    textures[0, :, Aspect.NOTES] = of_notes(11), RESTS, UNKNOWN
    textures[2, 1] = RESTS
    textures[1, :, Aspect.NOTES] = RESTS, of_notes(4), of_notes(6)
    textures[3] = UNKNOWN
    free = FREE.filled(textures, form, TRACKS)
    assert str(free) == "A: melody 11, bridge 0; B: melody 0, bridge 4, grand piano 6"
    given = parse_density("A: bridge 2.5; B: all 7, melody 30")
    filled = "A: melody 11, bridge 2.5; B: melody 30, bridge 7, grand piano 7"
    assert str(given.filled(textures, form, TRACKS)) == filled


def test_a_track_that_comes_in_later_or_leaves_does_not_rest() -> None:
    form = parse_form("A2 A2")
    textures = np.full((2, 3, len(Aspect)), LOWEST_GRADE)
    textures[0, 0] = textures[1, 1] = RESTS
    assert str(FREE.filled(textures, form, TRACKS)) == "A: bridge 1, grand piano 1"


def test_who_rests_is_not_among_all() -> None:
    form, textures = parse_form("A2"), np.full((1, 3, len(Aspect)), UNKNOWN)
    textures[0, 1] = RESTS
    assert str(parse_density("A: all 7").filled(textures, form, TRACKS)) == "A: melody 7, bridge 0, grand piano 7"


def test_where_nothing_is_known_nothing_is_filled_in() -> None:
    textures = np.full((1, 3, len(Aspect)), UNKNOWN)
    assert FREE.filled(textures, parse_form("A2"), TRACKS) == FREE


@pytest.mark.parametrize("number", range(NUM_GRADES))
def test_what_is_read_off_asks_for_the_same_grade(number: int) -> None:
    form = parse_form("A2")
    textures = np.full((1, 3, len(Aspect)), number)
    asked = FREE.filled(textures, form, TRACKS).grades(form, TRACKS)
    assert asked[..., Aspect.NOTES].tolist() == [[number] * 3]
