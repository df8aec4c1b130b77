"""A corpus on disk: it gives back what was put in, it is whole or not there, and it refuses what it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloom.corpus import store
from phraseloom.corpus.song import AlignmentReport, CorpusSong, Rejection
from phraseloom.corpus.store import Corpus, check_writable, decode, encode, write_corpus
from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.form import Section
from phraseloom.harmony import Chord, Key
from phraseloom.score import ChordSpan, MeterChange, Notes, Score, TempoChange, Track
from support.songs import make_song

SONGS = [
    CorpusSong("b", make_song(1), "train", AlignmentReport(0.97, 2, 31, 4, 5)),
    CorpusSong("a", make_song(2, num_tracks=3, form="i1 A2", title="Ein Lied"), "test"),
    CorpusSong("c", make_song(3, num_tracks=3, form="A3 B2"), "train"),
]


@pytest.fixture
def corpus_dir(tmp_path):
    directory = tmp_path / "deep" / "corpus"
    write_corpus(directory, SONGS, [Rejection("d", "too quiet")], "tests", {"c": ["a remark"]})
    return directory


def chords():
    parts = st.tuples(st.integers(0, 11), st.sets(st.integers(0, 11)), st.integers(0, 11))
    return parts.map(lambda part: Chord(part[0], frozenset(part[1] | {0}), part[2]))


@st.composite
def scores(draw):
    num_bars = draw(st.integers(2, 6))
    ticks = st.integers(0, 36 * num_bars - 1)  # 3/4 is the shortest bar here
    rows = st.lists(st.tuples(ticks, st.integers(1, 99), st.integers(0, 127), st.integers(1, 127)), max_size=12)
    tracks = st.builds(Track, st.text(max_size=8), rows.map(Notes.from_rows), st.integers(0, 127), st.booleans())
    edges = sorted(draw(st.sets(ticks, min_size=2, max_size=6)))
    return Score(
        tracks=tuple(draw(st.lists(tracks, max_size=4))),
        num_bars=num_bars,
        meters=(MeterChange(0, 3, 4), MeterChange(draw(st.integers(1, num_bars - 1)), 4, 4)),
        tempos=(TempoChange(0, draw(st.floats(10, 600))), TempoChange(5, 91.37)),
        sections=draw(st.sampled_from([(), (Section("A", 1), Section("b", num_bars - 1))])),
        chords=[ChordSpan(on, off - on, draw(chords())) for on, off in pairwise(edges)],
        key=draw(st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))),
        title=draw(st.text(max_size=8)),
    )


@given(scores())
@settings(max_examples=60)
def test_decode_undoes_encode(score):
    song = CorpusSong("song", score, "train", AlignmentReport(0.5, 1, 2, 3, 4))
    record, notes = encode(song)
    assert decode(json.loads(json.dumps(record)), notes) == song


def test_what_is_written_is_read(corpus_dir):
    corpus = Corpus.open(corpus_dir)
    assert list(corpus.songs()) == SONGS
    assert [song.song_id for song in corpus.songs("train")] == ["b", "c"]
    assert list(corpus.songs("validation")) == []
    assert corpus.song("a") == SONGS[1]
    assert corpus.rejections() == [Rejection("d", "too quiet")]
    assert (len(corpus), corpus.source, corpus.slots) == (3, "tests", ("MELODY", "BRIDGE", "PIANO"))
    assert corpus.num_songs_by_split == {"train": 2, "test": 1}
    assert [record["remarks"] for record in corpus.records] == [[], [], ["a remark"]]


def test_songs_come_from_several_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_NOTES_PER_SHARD", SONGS[1].score.num_notes)
    songs = [SONGS[1], *SONGS]
    songs = [replace(song, song_id=str(place)) for place, song in enumerate(songs)]
    write_corpus(tmp_path / "corpus", songs, [], "tests")
    assert len(list((tmp_path / "corpus").glob("*.safetensors"))) == 4
    corpus = Corpus.open(tmp_path / "corpus")
    assert list(corpus.songs()) == songs
    assert corpus.song("3") == songs[3]


def test_songs_are_read_only_when_asked_for(corpus_dir):
    corpus = Corpus.open(corpus_dir)
    songs = corpus.songs()
    (corpus_dir / "notes-00000.safetensors").unlink()
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        next(songs)


def test_slots_are_numbered_where_songs_differ(tmp_path):
    songs = [SONGS[0], CorpusSong("x", make_song(0, num_tracks=4), "train")]
    write_corpus(tmp_path / "corpus", songs, [], "tests")
    assert Corpus.open(tmp_path / "corpus").slots == ("track 1", "track 2", "track 3", "track 4")


def test_fingerprint_tells_other_content(tmp_path):
    def fingerprint(name, songs):
        write_corpus(tmp_path / name, songs, [], "tests")
        return Corpus.open(tmp_path / name).fingerprint

    louder = make_song(1)
    notes = louder.tracks[0].notes
    notes = Notes(notes.onset_ticks, notes.duration_ticks, notes.pitch, notes.velocity + 1)
    louder = replace(louder, tracks=(replace(louder.tracks[0], notes=notes), *louder.tracks[1:]))
    base = fingerprint("a", SONGS)
    assert fingerprint("b", SONGS) == base
    assert fingerprint("c", SONGS[:2]) != base
    assert fingerprint("d", [replace(SONGS[0], score=louder), *SONGS[1:]]) != base
    assert fingerprint("e", [replace(SONGS[0], split="excluded"), *SONGS[1:]]) != base


# Whole or not there


def test_an_earlier_corpus_is_replaced(corpus_dir):
    write_corpus(corpus_dir, SONGS[:1], [], "tests")
    assert list(Corpus.open(corpus_dir).songs()) == SONGS[:1]
    assert [path.name for path in corpus_dir.parent.iterdir()] == ["corpus"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ZeroDivisionError])
def test_a_failure_leaves_the_earlier_corpus_and_nothing_else(corpus_dir, failure):
    def songs():
        yield SONGS[0]
        raise failure

    with pytest.raises(failure):
        write_corpus(corpus_dir, songs(), [], "tests")
    assert list(Corpus.open(corpus_dir).songs()) == SONGS
    assert [path.name for path in corpus_dir.parent.iterdir()] == ["corpus"]


def test_two_songs_with_one_id_are_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="two songs have the id 'b'"):
        write_corpus(tmp_path / "corpus", [SONGS[0], SONGS[0]], [], "tests")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_corpus_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for target in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(RequestError, match="is no corpus"):
            write_corpus(target, SONGS, [], "tests")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_empty_folder_may_become_a_corpus(tmp_path):
    check_writable(tmp_path)
    (tmp_path / "empty").mkdir()
    write_corpus(tmp_path / "empty", SONGS, [], "tests")
    assert len(Corpus.open(tmp_path / "empty")) == 3


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot write the corpus"):
        write_corpus(tmp_path / "file" / "corpus", SONGS, [], "tests")


# Refusals


@pytest.mark.parametrize("header", [None, "", "[]", "{}", '{"format": "something else"}'])
def test_what_is_no_corpus_is_not_opened(tmp_path, header):
    if header is not None:
        (tmp_path / "corpus.json").write_text(header)
    with pytest.raises(UnreadableFileError, match="is no corpus"):
        Corpus.open(tmp_path)


def test_another_version_is_refused_by_name(corpus_dir):
    header = json.loads((corpus_dir / "corpus.json").read_text())
    (corpus_dir / "corpus.json").write_text(json.dumps({**header, "version": 99}))
    with pytest.raises(UnreadableFileError, match="version 99, this program reads 1"):
        Corpus.open(corpus_dir)


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [("", "0 songs of 3"), ("{", "cannot be read"), ("[]\n", "has no"), ('{"id": "a"}\n', "line 1 .* has no")],
)
def test_a_damaged_manifest_is_refused(corpus_dir, manifest, problem):
    (corpus_dir / "songs.jsonl").write_text(manifest)
    with pytest.raises(UnreadableFileError, match=problem):
        Corpus.open(corpus_dir)


def test_a_header_without_a_field_is_refused(corpus_dir):
    header = json.loads((corpus_dir / "corpus.json").read_text())
    del header["fingerprint"]
    (corpus_dir / "corpus.json").write_text(json.dumps(header))
    with pytest.raises(UnreadableFileError, match="no fingerprint"):
        Corpus.open(corpus_dir)


@pytest.mark.parametrize("change", [{"num_bars": 1}, {"form": "4i"}, {"first_track": 99}, {"tempos": []}])
def test_a_song_that_does_not_decode_is_named(corpus_dir, change):
    lines = (corpus_dir / "songs.jsonl").read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), **change})
    (corpus_dir / "songs.jsonl").write_text("\n".join(lines))
    with pytest.raises(UnreadableFileError, match="song 'b' does not decode"):
        next(Corpus.open(corpus_dir).songs())


def test_a_damaged_shard_is_refused(corpus_dir):
    shard = corpus_dir / "notes-00000.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(UnreadableFileError, match=r"notes-00000\.safetensors"):
        next(Corpus.open(corpus_dir).songs())


def test_an_unknown_song_is_refused(corpus_dir):
    with pytest.raises(RequestError, match="no song 'z'"):
        Corpus.open(corpus_dir).song("z")
