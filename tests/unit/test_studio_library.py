"""Songs, revisions and jobs in their file: what is kept, what is refused, what a restart finds."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.harmony import parse_key
from phraseloom.studio import database
from phraseloom.studio.changes import SectionChange, with_key, with_locks, with_sections, with_tempo
from phraseloom.studio.database import MIGRATIONS, Database
from phraseloom.studio.job_log import MAX_QUEUED_JOBS, IdempotencyKey, JobLog, JobState
from phraseloom.studio.keeping import keeping
from phraseloom.studio.library import Library, NewRevision, Revision
from phraseloom.studio.operations import Rectangle, selected
from phraseloom.studio.problems import (
    ChangedMeanwhileError,
    ConflictError,
    KeyReusedError,
    NotFoundError,
    QueueFullError,
)
from phraseloom.studio.state import SongState
from support.studio import written_song

SONG = written_song()


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "songs" / "library.sqlite"


@pytest.fixture
def opened(file):
    opened = Database.open(file)
    yield opened
    opened.close()


@pytest.fixture
def library(opened) -> Library:
    return Library(opened)


def titled(title: str):
    return lambda head: NewRevision(replace(head.state, title=title), title)


def test_a_song_there_and_back(library):
    song = library.create(NewRevision(SONG, "New"))
    revision = library.revision(song.head)
    assert revision.state == SONG
    assert (song.version, song.title, revision.entry.form) == (1, "Song", "i2 A4 B4 A4")
    assert revision.to_dict()["notes_hash"] == SONG.notes_hash


def test_every_change_is_a_revision_and_old_ones_stay(library):
    song = library.create(NewRevision(SONG, "New"))
    first = library.revision(song.head)
    changed = library.change(song.id, titled("Other"))
    assert changed.version == 2
    assert changed.title == "Other"
    assert library.revision(changed.head).entry.parent == first.entry.id
    assert library.revision(first.entry.id).to_dict() == first.to_dict()


def test_no_change_makes_no_revision(library):
    song = library.create(NewRevision(SONG, "New"))
    assert library.change(song.id, titled("Song")) == song
    assert library.change(song.id, lambda head: head.entry.id) == song
    assert len(library.history(song.id, 10, None)) == 1


def test_undo_and_redo_move_along_the_line(library):
    song = library.create(NewRevision(SONG, "New"))
    one = library.change(song.id, titled("One"))
    library.change(song.id, titled("Two"))
    assert library.undo(song.id).head == one.head
    assert library.undo(song.id).head == song.head
    with pytest.raises(ConflictError):
        library.undo(song.id)
    assert library.redo(song.id).title == "One"
    other = library.change(song.id, titled("Other"))
    assert [library.revision(each).entry.label for each in other.line] == ["New", "One", "Other"]
    with pytest.raises(ConflictError):
        library.redo(song.id)
    assert [entry.label for entry in library.history(song.id, 10, None)] == ["Other", "Two", "One", "New"]


def test_the_history_has_pages(library):
    song = library.create(NewRevision(SONG, "New"))
    for title in "abc":
        library.change(song.id, titled(title))
    newest = library.history(song.id, 2, None)
    assert [entry.label for entry in newest] == ["c", "b"]
    assert [entry.label for entry in library.history(song.id, 2, newest[-1].id)] == ["a", "New"]


def test_songs_are_listed_by_their_last_change(library, monkeypatch):
    times = iter(f"2026-01-01T00:00:{second:02d}Z" for second in range(20))
    monkeypatch.setattr("phraseloom.studio.library.now", lambda: next(times))
    first, second = (library.create(NewRevision(SONG, "New")) for _ in range(2))
    library.change(first.id, titled("Later"))
    songs, total = library.songs(1, 0)
    assert ([song.id for song in songs], total) == ([first.id], 2)
    assert [song.id for song in library.songs(5, 1)[0]] == [second.id]


def test_a_version_that_is_gone_is_refused(library):
    song = library.create(NewRevision(SONG, "New"))
    library.change(song.id, titled("Other"), if_version=1)
    for late in (
        lambda: library.change(song.id, titled("Late"), if_version=1),
        lambda: library.undo(song.id, if_version=1),
    ):
        with pytest.raises(ChangedMeanwhileError):
            late()
    assert library.song(song.id).title == "Other"


def test_what_is_not_there(library):
    song = library.create(NewRevision(SONG, "New"))
    other = library.create(NewRevision(SONG, "New"))
    for look in (
        lambda: library.song(99),
        lambda: library.revision(99),
        lambda: library.revision_of(song.id, other.head),
    ):
        with pytest.raises(NotFoundError):
            look()


def test_a_change_that_fails_changes_nothing(library):
    song = library.create(NewRevision(SONG, "New"))

    def fail(head: Revision) -> NewRevision:
        raise RequestError("no", "no")

    with pytest.raises(RequestError):
        library.change(song.id, fail)
    assert library.song(song.id) == song


GESTURES = st.sampled_from(["key", "tempo", "lock", "grow", "move", "title"])


def after(state: SongState, gesture: str, number: int) -> SongState:
    if gesture == "key":
        return with_key(state, parse_key("CDEFGAB"[number % 7]))
    if gesture == "tempo":
        return with_tempo(state, 60.0 + number)
    if gesture == "lock":
        return with_locks(state, selected(state, [Rectangle(1, 1 + number % 4)]), number % 2 == 0)
    if gesture == "title":
        return replace(state, title=str(number))
    first, *others = [SectionChange(id=section.id) for section in state.sections]
    if gesture == "grow":
        first = replace(first, num_bars=1 + number % 5)
        return with_sections(state, [first, *others])
    return with_sections(state, [*others, first])


@given(gestures=st.lists(st.tuples(GESTURES, st.integers(0, 20)), min_size=1, max_size=8))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_undone_is_the_start_and_all_redone_the_end(library, gestures):
    song = start = library.create(NewRevision(SONG, "New"))
    for gesture, number in gestures:
        song = library.change(song.id, lambda head, g=gesture, n=number: NewRevision(after(head.state, g, n), g))
    num_steps = song.position
    for _ in range(num_steps):
        library.undo(song.id)
    assert library.song(song.id).head == start.head
    assert library.revision(start.head).state == SONG
    for _ in range(num_steps):
        library.redo(song.id)
    assert library.song(song.id).head == song.head


# Takes


def added_take(library: Library, base: Revision, tempo_bpm: float = 100.0) -> int:
    made_by = {"operation": "infill", "seed": 5, "written": ["1" + "0" * 13] * 3, "weights": "w"}
    return library.add_take(base.entry, NewRevision(with_tempo(base.state, tempo_bpm), "Take"), 7, 1, made_by)


def test_a_take_changes_nothing_until_it_is_kept(library):
    song = library.create(NewRevision(SONG, "New"))
    take = library.revision(added_take(library, library.revision(song.head)))
    assert library.song(song.id) == song
    assert [entry.id for entry in library.takes(7)] == [take.entry.id]
    assert (take.entry.seed, take.entry.parent) == (5, song.head)
    kept = library.change(song.id, keeping(library, take))
    assert kept.line == (song.head, take.entry.id)
    assert library.change(song.id, keeping(library, take)) == kept
    assert library.undo(song.id).head == song.head


def test_a_take_kept_later_leaves_what_was_changed_since(library):
    song = library.create(NewRevision(SONG, "New"))
    take = library.revision(added_take(library, library.revision(song.head)))
    library.change(song.id, titled("Other"))
    kept = library.change(song.id, keeping(library, take))
    assert kept.head != take.entry.id
    state = library.revision(kept.head).state
    assert (state.title, state.tempos[0].tempo_bpm) == ("Other", 96.0)


def test_only_takes_are_kept(library):
    song = library.create(NewRevision(SONG, "New"))
    with pytest.raises(RequestError):
        keeping(library, library.revision(song.head))


# The file


def test_a_library_that_is_open_is_not_opened_twice(file, opened):
    with pytest.raises(RequestError, match="cannot be used"):
        Database.open(file)


def test_a_library_that_nobody_closed_opens_with_all_that_was_done(file, library, opened):
    song = library.create(NewRevision(SONG, "New"))
    copies = {path.name: path.read_bytes() for path in file.parent.iterdir()}  # as a kill would leave it
    killed = file.parent / "killed"
    killed.mkdir()
    for name, content in copies.items():
        (killed / name).write_bytes(content)
    reopened = Database.open(killed / file.name)
    assert Library(reopened).song(song.id) == song
    assert Library(reopened).revision(song.head).state == SONG
    reopened.close()


def test_other_files_are_refused(tmp_path):
    text, other, later = (tmp_path / name for name in ("text", "other", "later"))
    text.write_text("no database at all, but long enough to have a header" * 4)
    connection = sqlite3.connect(other)
    connection.executescript("CREATE TABLE things (id INTEGER)")
    connection.close()
    Database.open(later).close()
    connection = sqlite3.connect(later)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    contents = [path.read_bytes() for path in (text, other, later)]
    for path in (text, other, later):
        with pytest.raises(UnreadableFileError):
            Database.open(path)
    assert [path.read_bytes() for path in (text, other, later)] == contents
    with pytest.raises(RequestError):
        Database.open(text / "below")


def test_an_older_library_is_brought_up_to_date_once(file, monkeypatch):
    Database.open(file).close()
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (id INTEGER)"))
    for _ in range(2):
        opened = Database.open(file)
        with opened.transaction() as connection:
            assert connection.execute("SELECT count(*) FROM more").fetchone()[0] == 0
        opened.close()


# Jobs


@pytest.fixture
def log(opened, library) -> JobLog:
    library.create(NewRevision(SONG, "New"))
    return JobLog(opened)


def add(log: JobLog, key: IdempotencyKey | None = None):
    return log.add(1, 1, {"song": 1, "operation": "generate"}, ("1", "0"), 4711, key)


def test_jobs_wait_in_a_queue_that_is_full_at_some_point(log):
    jobs = [add(log) for _ in range(MAX_QUEUED_JOBS)]
    with pytest.raises(QueueFullError):
        add(log)
    assert log.start_next() == replace(jobs[0], state=JobState.RUNNING, started=log.job(1).started)
    add(log)
    assert log.queue() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert log.unfinished(1) == list(range(1, 10))


def test_a_job_that_ran_is_lost_and_those_that_waited_go_on(log):
    for _ in range(2):
        add(log)
    log.start_next()
    log.lose_running()
    assert [log.job(number).state for number in (1, 2)] == [JobState.LOST, JobState.QUEUED]
    assert log.start_next() == log.job(2)


def test_a_job_ends_once(log):
    add(log)
    ended = log.end(1, JobState.CANCELLED)
    assert log.end(1, JobState.DONE) == ended
    assert log.start_next() is None


def test_jobs_are_found_by_song_and_state(log):
    for _ in range(3):
        add(log)
    log.end(2, JobState.FAILED, problem={"detail": "x"})
    assert [job.id for job in log.jobs(1, None, 2)] == [3, 2]
    assert [job.id for job in log.jobs(None, JobState.FAILED, 9)] == [2]
    assert log.jobs(2, None, 9) == []
    assert log.job(2).problem == {"detail": "x"}


def test_a_key_gives_the_same_job_again_for_a_day(log, monkeypatch):
    key = IdempotencyKey("k", "body")
    job = add(log, key)
    assert add(log, key) == log.replayed(key) == job
    with pytest.raises(KeyReusedError):
        log.replayed(IdempotencyKey("k", "other body"))
    monkeypatch.setattr("phraseloom.studio.job_log.KEYS_ARE_KEPT", timedelta(days=-1))
    assert log.replayed(key) is None
