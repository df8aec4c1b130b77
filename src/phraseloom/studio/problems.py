"""Errors as HTTP tells them: problem details (RFC 9457) with a remedy, and pointers into the request."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from phraseloom.errors import (
    CheckpointError,
    ParseError,
    RequestError,
    UnreadableFileError,
    UnsupportedScoreError,
    UserError,
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:phraseloom:problem:"


class ForbiddenHostError(UserError):
    """The request is made for another host than this service's."""

    http_status: ClassVar[int] = 403


class ForbiddenOriginError(UserError):
    """The request is made by another site's page."""

    http_status: ClassVar[int] = 403


class HeaderError(UserError):
    """A header that means nothing."""

    http_status: ClassVar[int] = 400


class NotFoundError(UserError):
    """Nothing has this address or number."""

    http_status: ClassVar[int] = 404


class ConflictError(UserError):
    """The request does not fit what there is at the moment."""

    http_status: ClassVar[int] = 409


class ChangedMeanwhileError(UserError):
    """The song has another version than the caller saw."""

    http_status: ClassVar[int] = 412


class TooLargeError(UserError):
    """More bytes than are taken."""

    http_status: ClassVar[int] = 413


class KeyReusedError(UserError):
    """An idempotency key that came before with another body."""


class QueueFullError(UserError):
    """As many jobs wait as may."""

    http_status: ClassVar[int] = 429
    retry_after_seconds: ClassVar[int] = 5


class NotAvailableError(UserError):
    """What this installation cannot do."""

    http_status: ClassVar[int] = 501


class ModelUnavailableError(UserError):
    """The weights cannot be loaded."""

    http_status: ClassVar[int] = 503


class MemberError(RequestError):
    """A user error in one member of the request.

    Args:
        pointer: JSON pointer from the body to the member.
        cause: what is wrong with it.
    """

    def __init__(self, pointer: str, cause: UserError) -> None:
        super().__init__(cause.message, cause.remedy)
        self.pointer = pointer
        self.cause = cause

    def __reduce__(self):
        return type(self), (self.pointer, self.cause)


@contextmanager
def pointing_at(pointer: str) -> Generator[None]:
    """User errors in the block are said to be about the member at `pointer`; blocks may be nested."""
    try:
        yield
    except MemberError as error:
        raise MemberError(pointer + error.pointer, error.cause) from error
    except UserError as error:
        raise MemberError(pointer, error) from error


@dataclass(frozen=True)
class Problem:
    """One problem, as told.

    Attributes:
        status: of HTTP.
        name: the last part of the problem's type.
        title: the same for all problems of this type.
        detail: what is wrong this time.
        remedy: what to do instead.
        errors: members and parameters at fault.
    """

    status: int
    name: str
    title: str
    detail: str
    remedy: str
    errors: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of_dict(cls, members: Mapping[str, Any]) -> Problem:
        """The problem that `to_dict` gave."""
        values: dict[str, Any] = {**members, "name": members["type"].removeprefix(TYPE_PREFIX)}
        del values["type"]
        values["errors"] = tuple(members.get("errors", ()))
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The members of RFC 9457, and ours."""
        return {
            "type": TYPE_PREFIX + self.name,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "remedy": self.remedy,
            **({"errors": [dict(error) for error in self.errors]} if self.errors else {}),
        }


_KINDS: dict[type, tuple[str, str]] = {
    HeaderError: ("malformed-request", "The request cannot be understood"),
    ForbiddenHostError: ("forbidden-host", "This service does not answer for that host"),
    ForbiddenOriginError: ("forbidden-origin", "That page may not use this service"),
    NotFoundError: ("not-found", "There is nothing here"),
    ConflictError: ("conflict", "That is not possible at the moment"),
    ChangedMeanwhileError: ("changed-meanwhile", "The song has changed meanwhile"),
    TooLargeError: ("too-large", "That is too large"),
    KeyReusedError: ("idempotency-key-reused", "The idempotency key has been used"),
    QueueFullError: ("queue-full", "The queue is full"),
    NotAvailableError: ("not-available", "This installation cannot do that"),
    ModelUnavailableError: ("model-unavailable", "The model cannot be loaded"),
    CheckpointError: ("model-unavailable", "The model cannot be loaded"),
    UnreadableFileError: ("unreadable-file", "The file cannot be read"),
    UnsupportedScoreError: ("unsupported-score", "The song cannot be treated"),
    UserError: ("invalid-request", "The request cannot be met"),
}
"""Name and title by the nearest class; a request error is what is not told apart further."""


def problem_of(error: UserError) -> Problem:
    """A user error as a problem."""
    cause = error.cause if isinstance(error, MemberError) else error
    name, title = next(_KINDS[kind] for kind in type(cause).__mro__ if kind in _KINDS)
    status = ModelUnavailableError.http_status if isinstance(cause, CheckpointError) else cause.http_status
    errors = (member_of(error),) if isinstance(error, MemberError) else ()
    return Problem(status, name, title, cause.message, cause.remedy, errors)


def member_of(error: MemberError) -> dict[str, Any]:
    """One entry of a problem's `errors`."""
    cause = error.cause
    place = {"start": cause.start, "end": cause.end} if isinstance(cause, ParseError) else {}
    return {"pointer": "#" + error.pointer, "detail": cause.message, "remedy": cause.remedy, **place}


def model_problem(error: UserError) -> Problem:
    """Whatever keeps the weights from being loaded, a missing file as much as a damaged one."""
    return problem_of(ModelUnavailableError(error.message, error.remedy))


FAULT = Problem(
    500,
    "fault",
    "Something went wrong inside",
    "this is a fault of phraseloom, not of the request",
    "try again; if it happens again, report it with what the terminal shows",
)
WORKER_DIED = Problem(
    500,
    "fault",
    "Something went wrong inside",
    "the process with the model ended while it was writing",
    "run the job again; where memory is short, close other programs or ask for fewer bars",
)
