"""Takes that become the song's."""

from __future__ import annotations

import numpy as np

from phraseloom.errors import RequestError
from phraseloom.studio.library import Change, Library, NewRevision, Revision
from phraseloom.studio.merging import merged


def keeping(library: Library, take: Revision) -> Change:
    """The change of a song by which a take becomes its own.

    A song that still is what the take was made from becomes the take; into one that has gone on, the take's cells are
    put.

    Raises:
        RequestError: the revision is no take.
    """
    entry = take.entry
    if entry.parent is None or entry.made_by is None:
        raise RequestError(
            f"revision {entry.id} is no take", "keep a job's take; to go back to another revision, make it the head"
        )
    base = library.revision(entry.parent)
    written = np.array([[mark == "1" for mark in row] for row in entry.made_by["written"]], bool).T

    def change(head: Revision) -> NewRevision | int:
        if head.entry.id in (base.entry.id, entry.id):
            return entry.id
        state = merged(head.state, base.state, take.state, written)
        return entry.id if state == take.state else NewRevision(state, entry.label)

    return change
