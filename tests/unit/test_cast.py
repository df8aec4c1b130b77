"""Who plays in which section."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloom.cast import FREE, PLAYS, RESTS, Cast, parse_cast
from phraseloom.errors import ParseError, RequestError
from phraseloom.form import parse_form

TRACKS = ("Melody", "Bridge", "Piano")
players = st.one_of(
    st.just(("all",)), st.lists(st.sampled_from(["melody", "bridge", "piano"]), unique=True, max_size=3).map(tuple)
)
casts = st.dictionaries(st.sampled_from("ABcio"), players, min_size=1).map(lambda parts: Cast(tuple(parts.items())))


def test_a_cast_laid_over_a_form() -> None:
    cast = parse_cast("A: melody Piano; o : none\ni, B: all")
    rows = cast.playing(parse_form("i1 A2 B1 c1 o1"), TRACKS).tolist()
    assert rows == [[PLAYS] * 3, *[[PLAYS, RESTS, PLAYS]] * 2, [PLAYS] * 3, [FREE] * 3, [RESTS] * 3]


@given(casts)
def test_what_is_written_is_read_back(cast: Cast) -> None:
    assert parse_cast(str(cast)) == cast


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nobody is named"),
        (" ;\n", "nobody is named"),
        ("melody piano", "'melody piano' names no section"),
        ("A: melody; B:", "nobody is named for B"),
        ("A: all piano", "beside all or none"),
        ("A: melody; A: piano", "A comes twice"),
    ],
)
def test_what_is_no_cast_is_pointed_at(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_cast(text)


@pytest.mark.parametrize(
    ("text", "message"), [("A: oboe", "no track 'oboe' for A"), ("Q: all", "named for Q, but the form is A4")]
)
def test_a_cast_that_does_not_fit_is_refused(text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse_cast(text).playing(parse_form("A4"), TRACKS)
