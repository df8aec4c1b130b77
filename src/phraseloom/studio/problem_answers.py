"""Problems as answers: our errors and the framework's own."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from phraseloom.errors import UserError
from phraseloom.studio.problems import FAULT, MEDIA_TYPE, Problem, QueueFullError, problem_of
from phraseloom.studio.requests import UNKNOWN_MEMBER

_SEE_API = "see /api for what may be sent"

_OF_STATUS: dict[int, tuple[str, str, str, str]] = {
    400: ("malformed-request", "The request cannot be understood", "the body is no JSON", "send one JSON object"),
    404: ("not-found", "There is nothing here", "there is no such address", "see /api for those that there are"),
    405: ("method-not-allowed", "That cannot be done here", "this address does not know this method", _SEE_API),
    415: (
        "unsupported-media-type",
        "The body is of another kind",
        "the body is not said to be JSON",
        "send a JSON object, with Content-Type: application/json",
    ),
    413: ("too-large", "That is too large", "the body is larger than 2 MB", "send less at once"),
}
"""Name, title, detail and remedy for what the framework turns away by itself."""

_REMEDIES = {
    "missing": "give it",
    "int_type": "give a whole number",
    "float_type": "give a number",
    "string_type": "give a text",
    "bool_type": "give true or false",
    "list_type": "give a list",
    "dict_type": "give an object",
    "model_type": "give an object",
    "model_attributes_type": "give an object",
    "string_unicode": "give a text of whole characters",
    "not_alone": "send it alone",
    "finite_number": "give a number",
}
_REMEDIES_BY_LIMIT = {
    "greater_than_equal": "give {ge} or more",
    "less_than_equal": "give {le} or less",
    "string_too_long": "give at most {max_length} characters",
    "too_long": "give at most {max_length}",
    "too_short": "give at least {min_length}",
    "literal_error": "choose among {expected}",
    "string_pattern_mismatch": "write it as {pattern} says",
}
_JSON_INVALID = "json_invalid"


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as an answer."""
    body = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Response(body, status, headers, "application/json")


def problem_answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as an answer."""
    return Response(json.dumps(problem.to_dict(), ensure_ascii=False), problem.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes an application answer every error with a problem."""
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)


def _user_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserError)
    problem = problem_of(error)
    headers = {"Retry-After": str(QueueFullError.retry_after_seconds)} if isinstance(error, QueueFullError) else None
    return problem_answer(problem, headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(each["type"] == _JSON_INVALID for each in error.errors()):
        return problem_answer(_of_status(400))
    if isinstance(error.body, bytes):  # read as JSON it would be anything else
        return problem_answer(_of_status(415))
    members = [_member(each) for each in error.errors()]
    first = members[0]
    return problem_answer(
        Problem(
            422,
            "invalid-request",
            "The request cannot be met",
            f"{first.get('pointer', first.get('parameter'))}: {first['detail']}",
            first["remedy"],
            tuple(members),
        )
    )


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_answer(_of_status(error.status_code), error.headers)


def _fault(request: Request, error: Exception) -> Response:
    return problem_answer(FAULT)  # the framework raises the error again, so that the server shows where it was


def _of_status(status: int) -> Problem:
    if status not in _OF_STATUS:
        phrase = http.HTTPStatus(status).phrase
        return Problem(status, phrase.lower().replace(" ", "-"), phrase, phrase.lower(), _SEE_API)
    name, title, detail, remedy = _OF_STATUS[status]
    return Problem(status, name, title, detail, remedy)


def _member(error: Mapping[str, Any]) -> dict[str, Any]:
    """One of the framework's errors as an entry of a problem's `errors`."""
    context = error.get("ctx", {})
    kind = error["type"]
    remedy = context.get("remedy") or _REMEDIES.get(kind) or _REMEDIES_BY_LIMIT.get(kind, _SEE_API).format(**context)
    source, *path = error["loc"]
    if kind == UNKNOWN_MEMBER:
        path.append(context["name"])
    place = {"pointer": _pointer(path)} if source == "body" else {"parameter": str(path[-1])}
    return {**place, "detail": error["msg"][:1].lower() + error["msg"][1:], "remedy": remedy}


def _pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer as a URI fragment (RFC 6901)."""
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    return "#" + "".join(f"/{step}" for step in steps)
