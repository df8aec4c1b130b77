"""What the routes share: the library, the queue, the events, and what is known of the model."""

from __future__ import annotations

import pathlib
from dataclasses import asdict
from string import ascii_letters
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request

from phraseloom import __version__
from phraseloom.errors import UserError
from phraseloom.form import MAX_BARS
from phraseloom.general_midi import program_name
from phraseloom.melody_index import MELODY_INDEX_FILE, MelodyIndex
from phraseloom.midi.annotations import section_name
from phraseloom.pretrained import PRETRAINED_DIRECTORY
from phraseloom.repeats import AS_IN_THE_CORPUS
from phraseloom.score import MAX_TEMPO_BPM, MIN_TEMPO_BPM
from phraseloom.studio.database import Database
from phraseloom.studio.event_hub import EventHub
from phraseloom.studio.exports import available_exports
from phraseloom.studio.job_log import MAX_QUEUED_JOBS, JobLog
from phraseloom.studio.jobs import JobQueue
from phraseloom.studio.library import Library, Revision, Song
from phraseloom.studio.operations import ALL_NEW
from phraseloom.studio.problems import HeaderError, ModelUnavailableError, model_problem
from phraseloom.studio.rendering import SoundRenderer
from phraseloom.studio.report import report_rows
from phraseloom.studio.requests import DEFAULT_STEPS, MAX_ID, MAX_SEED, MAX_STEPS, MAX_TAKES
from phraseloom.studio.security import MAX_BODY_BYTES
from phraseloom.studio.uploads import MAX_TRACKS, UploadStore
from phraseloom.studio.weights import ModelTrack, read_model_tracks

_NUM_PROGRAMS = 128
_OTHER_NAMES = frozenset({"Part", "Instrumental"})


class Studio:
    """One library served with one set of weights. `start` and `close` frame its life."""

    def __init__(
        self,
        library_path: pathlib.Path,
        weights: pathlib.Path | None = None,
        soundfont: pathlib.Path | None = None,
    ) -> None:
        """
        Args:
            library_path: file of the library, made where there is none.
            weights: folder with trained weights; None for those that come with the package.
            soundfont: for sound; None for the default one.

        Raises:
            UserError: as `Database.open`.
        """
        folder = PRETRAINED_DIRECTORY if weights is None else weights
        self._database = Database.open(library_path)
        self.library = Library(self._database)
        self.log = JobLog(self._database)
        self.uploads = UploadStore(self._database)
        self.events = EventHub()
        self.jobs = JobQueue(self.library, self.log, self.events, folder, self._tell_model)
        self.sound = SoundRenderer(soundfont)
        self._tracks: tuple[ModelTrack, ...] = ()
        self._tracks_problem: UserError | None = None
        self.melody_index: MelodyIndex | None = None
        try:
            self._tracks = read_model_tracks(folder)
            self.melody_index = MelodyIndex.load(folder / MELODY_INDEX_FILE)
        except UserError as error:
            self._tracks_problem = error

    def start(self) -> None:
        self.jobs.start()

    def close(self) -> None:
        self.events.close()
        self.jobs.close()
        self._database.close()

    @property
    def tracks(self) -> tuple[ModelTrack, ...]:
        """The model's.

        Raises:
            ModelUnavailableError: the weights do not say.
        """
        if self._tracks_problem is not None:
            raise ModelUnavailableError(self._tracks_problem.message, self._tracks_problem.remedy)
        return self._tracks

    def describe_model(self) -> dict[str, Any]:
        """For JSON; see `docs/studio.md`, "Model"."""
        problem = None if self._tracks_problem is None else model_problem(self._tracks_problem).to_dict()
        return {
            "ready": self.jobs.weights is not None,
            "problem": self.jobs.model_problem or problem,
            "weights": self.jobs.weights,
            "version": __version__,
            "tracks": [
                {**asdict(track), "instrument": "Drums" if track.is_drum else program_name(track.program)}
                for track in self._tracks
            ],
            "instruments": [program_name(program) for program in range(_NUM_PROGRAMS)],
            "meters": ["4/4"],
            "limits": {
                "max_bars": MAX_BARS,
                "max_takes": MAX_TAKES,
                "max_queued_jobs": MAX_QUEUED_JOBS,
                "max_upload_bytes": MAX_BODY_BYTES,
                "max_tracks": MAX_TRACKS,
                "max_seed": MAX_SEED,
                "max_steps": MAX_STEPS,
                "min_tempo_bpm": MIN_TEMPO_BPM,
                "max_tempo_bpm": MAX_TEMPO_BPM,
            },
            "defaults": {"steps": DEFAULT_STEPS, "distance": ALL_NEW, "repeat": AS_IN_THE_CORPUS},
            "section_names": {
                letter: name for letter in ascii_letters if (name := section_name(letter)) not in _OTHER_NAMES
            },
            "exports": available_exports(self.sound),
        }

    def report(self, revision: Revision) -> dict[str, Any]:
        """For JSON; see `docs/studio.md`, "Exports, sound, comparison"."""
        state, index = revision.state, self.melody_index
        return {
            "revision": revision.entry.id,
            "rows": report_rows(state),
            "originality": None if index is None else index.originality(state.score),
        }

    def describe_song(self, song: Song) -> dict[str, Any]:
        """For JSON; see `docs/studio.md`, "Songs"."""
        return {
            "id": song.id,
            "version": song.version,
            "title": song.title,
            "created": song.created,
            "saved": song.saved,
            "head": song.head,
            "undo": song.line[: song.position],
            "redo": song.line[song.position + 1 :],
            "jobs": self.log.unfinished(song.id),
            "revision": self.library.revision(song.head).to_dict(),
        }

    def head_of(self, song: Song) -> Revision:
        """The current revision of a song."""
        return self.library.revision(song.head)

    def _tell_model(self) -> None:
        self.events.publish("model", self.describe_model())


def studio_of(request: Request) -> Studio:
    """The studio that an application serves."""
    return request.app.state.studio


Number = Annotated[int, Path(ge=0, le=MAX_ID)]
"""In an address: which song, revision, job or upload."""

CurrentStudio = Annotated[Studio, Depends(studio_of)]


def _expected_version(if_match: Annotated[str | None, Header()] = None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    version = if_match.strip().removeprefix("W/").strip('"')
    if not (version.isascii() and version.isdecimal() and len(version) < 20):
        raise HeaderError(f"If-Match is {if_match!r}", "send the ETag that came with the song")
    return int(version)


ExpectedVersion = Annotated[int | None, Depends(_expected_version)]
"""The version that `If-Match` names; None where anything goes."""
