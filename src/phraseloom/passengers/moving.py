"""Messages that move with the bars of their song.

What a message sets holds until the next one of its kind. So where bars come to stand behind others than before, what
held in them is set anew at the joint, as a sequencer does that starts in the middle of a song.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from phraseloom.grid import TICKS_PER_QUARTER
from phraseloom.passengers.messages import Message, Phase

END_OF_TIME = 2**40
"""Further than any tick; the end of a stretch that takes along what stands behind the song's last bar."""

State = dict[tuple[int | None, bytes], Message]
"""By line, the message that holds."""


class Stretch(NamedTuple):
    """Bars of a song that stand together in another, in ticks of the grid.

    Attributes:
        place: where they begin in the other song.
        start: where they begin in their own; None for new bars, which have nothing.
        end: where they end in their own.
    """

    place: int
    start: int | None = None
    end: int = 0


def moved_messages(
    messages: Sequence[Message], stretches: Sequence[Stretch], scale: int, before: Sequence[Message] = ()
) -> tuple[Message, ...]:
    """The messages of a song that is put together of stretches of theirs.

    What a song is set up with stays at its start. New bars have no pedal, bend or pressure.

    Args:
        messages: ordered by tick.
        stretches: in the order of their places.
        scale: the messages' ticks in a tick of the grid.
        before: what holds before the first message, such as the track's program; not among what is returned.
    """
    set_up = set_up_messages(messages, scale)
    others = [message for message in messages if not _is_set_up(message, scale)]
    ticks = [message.tick for message in others]
    result = list(set_up)
    holding = _updated({}, [*before, *set_up])
    for index, stretch in enumerate(stretches):
        place = stretch.place * scale
        if stretch.start is None:
            wanted = {line: message for line, message in holding.items() if message.neutral_data is None}
            inside: list[Message] = []
        else:
            first, behind = (bisect_left(ticks, tick * scale) for tick in (stretch.start, stretch.end))
            wanted = _updated({}, [*before, *set_up, *others[:first]])
            shift = place - stretch.start * scale
            inside = [message.at(message.tick + shift) for message in others[first:behind]]
        joint = max(place, result[-1].tick) if result else place
        result += [message.at(joint) for message in _changes(holding, wanted)]
        if index == 0 and begin_as_before(stretches):
            result = [message for message in messages if message.tick < stretch.end * scale]  # in the order they had
        else:
            result += inside
        holding = _updated(wanted, inside)
    return tuple(sorted(result, key=lambda message: message.tick))


def set_up_messages(messages: Sequence[Message], scale: int) -> list[Message]:
    """What is said in the first quarter for the whole song, such as volumes: many files take a moment to say it."""
    return [message for message in messages if _is_set_up(message, scale)]


def begin_as_before(stretches: Sequence[Stretch]) -> bool:
    """Whether a song that is put together of stretches begins with its own beginning."""
    return bool(stretches) and stretches[0][:2] == (0, 0)


def _is_set_up(message: Message, scale: int) -> bool:
    return message.tick < TICKS_PER_QUARTER * scale and not message.is_of_moment


def _updated(state: State, messages: Iterable[Message]) -> State:
    state = dict(state)
    for message in messages:
        line = message.line
        if line is not None:
            state.pop(line, None)  # so that the state is in the order in which it came to be
            state[line] = message
    return state


def _changes(holding: State, wanted: State) -> list[Message]:
    """What makes one state out of another; nothing for what is set nowhere and has no middle, such as a volume."""
    changes = []
    for line, message in holding.items():
        neutral = message.neutral_data
        if line not in wanted and neutral is not None and neutral != message.data:
            changes.append(Message(0, neutral, message.channel))
    for line, message in wanted.items():
        if line not in holding or holding[line].data != message.data:
            changes.append(Message(0, message.data, message.channel, Phase.BEFORE_NOTES))
    return changes
