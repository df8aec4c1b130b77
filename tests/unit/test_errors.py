"""How errors are told, and that they survive the way back from a worker process."""

from __future__ import annotations

import pickle

import pytest

from phraseloom.errors import (
    CheckpointError,
    ParseError,
    RequestError,
    UnreadableFileError,
    UnsupportedScoreError,
    UserError,
)


def test_an_error_tells_what_is_wrong_and_then_what_to_do():
    error = RequestError("the song has 0 bars", "ask for 1 to 128 bars")
    assert str(error) == "the song has 0 bars\n  ask for 1 to 128 bars"


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (RequestError, 2),
        (ParseError, 2),
        (UnsupportedScoreError, 2),
        (UnreadableFileError, 3),
        (CheckpointError, 3),
    ],
)
def test_every_error_is_a_user_error_with_its_exit_code_and_status(kind, exit_code):
    assert issubclass(kind, UserError)
    assert kind.exit_code == exit_code
    assert kind.http_status == 422


@pytest.mark.parametrize(
    "error",
    [
        RequestError("a", "b"),
        UnreadableFileError("a", "b"),
        UnsupportedScoreError("a", "b"),
        CheckpointError("a", "b"),
        ParseError("i4 A?", 4, 5, "a", "b"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_whole_from_a_worker(error):
    returned = pickle.loads(pickle.dumps(error))
    assert type(returned) is type(error)
    assert vars(returned) == vars(error)
    assert str(returned) == str(error)


def test_a_parse_error_points_at_the_token():
    error = ParseError("i4 Q? B8", 3, 5, "'Q?' has no length", "write Q8")
    assert str(error).splitlines() == ["'Q?' has no length", "  i4 Q? B8", "     ^^", "  write Q8"]


def test_a_parse_error_shows_only_the_line_of_the_token():
    text = "first line\nsecond wrong\nthird"
    start = text.index("wrong")
    error = ParseError(text, start, start + 5, "no", "yes")
    assert str(error).splitlines() == ["no", "  second wrong", "         ^^^^^", "  yes"]


@pytest.mark.parametrize("text", ["", "A8"])
def test_what_is_missing_gets_one_mark(text):
    error = ParseError(text, len(text), len(text), "something is missing", "add it")
    assert str(error).splitlines()[2] == "  " + " " * len(text) + "^"
