"""From files to a corpus: what enters, what does not and why, and that an interruption leaves no trace."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from phraseloom.corpus import prepare
from phraseloom.corpus.folder import MAX_TRACKS, FolderSong, midi_files, read_folder_song
from phraseloom.corpus.prepare import prepare_folder, prepare_pop909
from phraseloom.corpus.store import Corpus
from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.form import format_form
from phraseloom.midi import midi_bytes, write_midi
from phraseloom.score import Notes, Score, Track
from phraseloom.transforms import transpose
from support.songs import make_song

TICKS_PER_16TH = 3


@pytest.fixture
def folder(tmp_path):
    """Three songs, a transposed twin of one of them, a file that is no MIDI, and a text."""
    root = tmp_path / "midi files"
    (root / "sub").mkdir(parents=True)
    write_midi(make_song(1), root / "b.mid")
    write_midi(make_song(2, with_drums=True), root / "sub" / "a.MIDI")
    write_midi(make_song(3, form="A4 B4 A4"), root / "sub" / "c.kar")
    write_midi(transpose(make_song(2, with_drums=True), 3), root / "sub" / "twin.Mid")
    (root / "broken.mid").write_bytes(b"<html>not found</html>")
    (root / "readme.txt").write_text("no music")
    return root


# Folders


def test_midi_files_are_found_in_subfolders_whatever_their_suffix(folder):
    names = [path.relative_to(folder).as_posix() for path in midi_files(folder)]
    assert names == ["b.mid", "broken.mid", "sub/a.MIDI", "sub/c.kar", "sub/twin.Mid"]


def test_folder_becomes_a_corpus(folder, tmp_path):
    report = prepare_folder(folder, tmp_path / "corpus", jobs=1)
    corpus = Corpus.open(tmp_path / "corpus")
    assert [song.song_id for song in corpus.songs()] == ["b.mid", "sub/a.MIDI", "sub/c.kar"]
    assert corpus.song("b.mid").score.sections == make_song(1).sections
    assert corpus.song("b.mid").score.tracks == make_song(1).tracks
    assert corpus.source == "the MIDI files in midi files"
    rejections = {rejection.song_id: rejection.reason for rejection in corpus.rejections()}
    assert list(rejections) == ["broken.mid", "sub/twin.Mid"]
    assert "MIDI" in rejections["broken.mid"]
    assert rejections["sub/twin.Mid"] == "the same notes as another file: sub/a.MIDI"
    assert (report.num_songs, len(report.rejections)) == (3, 2)


def test_report_counts_what_is_in_the_corpus(folder, tmp_path):
    report = prepare_folder(folder, tmp_path / "corpus", jobs=1)
    scores = [song.score for song in Corpus.open(tmp_path / "corpus").songs()]
    assert report.num_bars == sum(score.num_bars for score in scores) == 20 + 20 + 12
    assert report.num_notes == sum(score.num_notes for score in scores)
    assert report.num_phrases == sum(
        len({note // 48 for note in track.notes.onset_ticks.tolist()}) for score in scores for track in score.tracks
    )
    assert report.num_songs_by_meter == {"4/4": 3}
    assert sum(report.num_songs_by_split.values()) == 3
    assert sum(report.num_rejections_by_reason.values()) == 2
    assert report.num_rejections_by_reason["the same notes as another file"] == 1
    record = json.loads(json.dumps(report.to_dict()))
    assert (record["num_songs"], record["num_rejections"], record["found_share"]) == (3, 2, None)
    assert report.text().startswith("3 songs accepted, 2 rejected")
    assert "sub/twin.Mid: the same notes as another file: sub/a.MIDI" in report.text()


def test_the_split_of_a_song_is_its_own(folder, tmp_path):
    """It stays when the file is renamed, transposed, and prepared together with others."""
    prepare_folder(folder, tmp_path / "corpus", jobs=1)
    alone = tmp_path / "alone"
    alone.mkdir()
    write_midi(transpose(make_song(1), -2), alone / "renamed.mid")
    prepare_folder(alone, tmp_path / "other corpus", jobs=1)
    (song,) = Corpus.open(tmp_path / "other corpus").songs()
    assert song.split == Corpus.open(tmp_path / "corpus").song("b.mid").split


def test_more_processes_give_the_same_corpus(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "_FILES_PER_PROCESS", 1)
    prepare_folder(folder, tmp_path / "one", jobs=1)
    prepare_folder(folder, tmp_path / "two", jobs=2)
    for name in ("corpus.json", "songs.jsonl", "rejections.jsonl", "notes-00000.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def read(tmp_path: Path, score: Score) -> FolderSong:
    path = tmp_path / "song.mid"
    path.write_bytes(midi_bytes(score))
    outcome = read_folder_song(path, "song.mid")
    assert isinstance(outcome, FolderSong)
    return outcome


def test_key_and_form_are_found_where_the_file_has_none(tmp_path):
    song = make_song(4, form="A8 B8 A8 B8")
    read_score = read(tmp_path, replace(song, key=None, sections=(), chords=())).song.score
    assert read_score.key == song.key
    letters = [section.letter for section in read_score.sections]
    assert sum(section.num_bars for section in read_score.sections) == 32
    assert len(set(letters)) < len(letters), format_form(read_score.sections)


def test_of_many_tracks_those_with_most_notes_stay_and_drums_come_last(tmp_path):
    """Ten tracks with 10, 11, ... notes, the fourth drums: the two sparsest go, the others keep their order."""
    tracks = tuple(
        Track(str(place), Notes.from_rows((6 * k, 6, 60, 80) for k in range(10 + place)), is_drum=place == 3)
        for place in range(MAX_TRACKS + 2)
    )
    outcome = read(tmp_path, Score((Track("silent", Notes.empty()), *tracks), num_bars=4))
    assert [track.name for track in outcome.song.score.tracks] == ["2", "4", "5", "6", "7", "8", "9", "3"]
    assert [remark for remark in outcome.remarks if "left out" in remark] == [
        "track '0' with 10 notes is left out",
        "track '1' with 11 notes is left out",
    ]


def test_a_song_of_drums_has_no_key(tmp_path):
    drums = make_song(0, with_drums=True).tracks[-1]
    assert read(tmp_path, Score((drums,), 20)).song.score.key is None


@pytest.mark.parametrize("content", [None, b"", b"nothing musical"])
def test_a_folder_without_usable_files_is_refused(tmp_path, content):
    (tmp_path / "in").mkdir()
    if content is not None:
        (tmp_path / "in" / "x.mid").write_bytes(content)
    with pytest.raises(UnreadableFileError, match="no MIDI file" if content is None else "none of 1 songs can be used"):
        prepare_folder(tmp_path / "in", tmp_path / "corpus", jobs=1)
    assert not (tmp_path / "corpus").exists()


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError, match="is no folder"):
        prepare_folder(tmp_path / "nowhere", tmp_path / "corpus")


def test_a_foreign_target_is_refused_before_any_work(folder, tmp_path):
    seen = []
    with pytest.raises(RequestError, match="is no corpus"):
        prepare_folder(folder, folder, jobs=1, progress=lambda doing, share: seen.append(doing))
    assert seen == []


def test_progress_runs_from_reading_to_writing(folder, tmp_path):
    seen = []
    prepare_folder(folder, tmp_path / "corpus", jobs=1, progress=lambda doing, share: seen.append((doing, share)))
    reading = [share for doing, share in seen if doing == "reading"]
    assert reading == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert [doing for doing, _ in seen[5:]] == ["comparing melodies", "writing"]


@pytest.mark.parametrize("moment", ["reading", "comparing melodies", "writing"])
def test_an_interruption_leaves_no_trace(folder, tmp_path, moment):
    def interrupt(doing, _share):
        if doing == moment:
            raise KeyboardInterrupt

    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        prepare_folder(folder, tmp_path / "out" / "corpus", jobs=1, progress=interrupt)
    assert list((tmp_path / "out").iterdir()) == []


# POP909, as its two checkouts lay it out


def write_pop909_song(root: Path, number: int, song: Score) -> None:
    """A song's MIDI file and labels; its melody must be monophonic and on the 16ths."""
    midi_dir, labels_dir = root / "midi" / "POP909" / f"{number:03d}", root / "labels" / "POP909" / f"{number:03d}"
    midi_dir.mkdir(parents=True)
    labels_dir.mkdir(parents=True)
    write_midi(replace(song, sections=(), chords=(), key=None), midi_dir / f"{number:03d}.mid")
    melody, end = [], 0
    for onset, duration, pitch, _velocity in song.tracks[0].notes.table.tolist():
        melody += [f"0 {(onset - end) // TICKS_PER_16TH}", f"{pitch} {duration // TICKS_PER_16TH}"]
        end = onset + duration
    chords = [
        f"{span.chord} {sorted(span.chord.pitch_classes)} {span.chord.bass} {span.duration_ticks // 12}"
        for span in song.chords
    ]
    labels = {
        "human_label1.txt": format_form(song.sections).replace(" ", ""),
        "melody.txt": "\n".join(melody),
        "finalized_chord.txt": "\n".join(chords),
        "analyzed_key.txt": str(song.key),
        "tempo.txt": f"{song.tempo_bpm:.0f}",
    }
    for name, text in labels.items():
        (labels_dir / name).write_text(text + "\n")


@pytest.fixture
def pop909(tmp_path):
    """Song 7, which is a test song, a cover of it as song 8, song 9, and song 10 with its melody wrong."""
    song = make_song(7)
    melody, *accompaniment = song.tracks
    sparser = [replace(track, notes=track.notes.where(track.notes.pitch % 2 == 0)) for track in accompaniment]
    cover = transpose(replace(song, tracks=(melody, *sparser)), 4)
    write_pop909_song(tmp_path, 7, song)
    write_pop909_song(tmp_path, 8, cover)
    write_pop909_song(tmp_path, 9, make_song(9))
    write_pop909_song(tmp_path, 10, make_song(10))
    labelled = tmp_path / "labels" / "POP909" / "010" / "melody.txt"
    labelled.write_text((tmp_path / "labels" / "POP909" / "009" / "melody.txt").read_text())
    return tmp_path


def test_pop909_becomes_a_corpus(pop909):
    report = prepare_pop909(pop909 / "midi", pop909 / "labels", pop909 / "corpus", jobs=1)
    corpus = Corpus.open(pop909 / "corpus")
    assert [(song.song_id, song.split) for song in corpus.songs()] == [
        ("pop909-007", "test"),
        ("pop909-008", "excluded"),
        ("pop909-009", "train"),
    ]
    assert [rejection.song_id for rejection in report.rejections] == ["pop909-010"]
    song, score = make_song(9), corpus.song("pop909-009").score
    assert (score.sections, score.chords, score.key) == (song.sections, song.chords, song.key)
    assert min(report.found_shares) == 1.0
    assert "100.0% in the median song" in report.text()


def test_a_cover_of_a_test_song_is_told_in_report_and_manifest(pop909):
    report = prepare_pop909(pop909 / "midi", pop909 / "labels", pop909 / "corpus", jobs=1)
    (pair,) = report.near_duplicates
    assert (pair.song_id, pair.other_id, pair.similarity) == ("pop909-007", "pop909-008", 1.0)
    assert report.excluded == ("pop909-008",)
    assert report.num_songs_by_split == {"train": 1, "validation": 0, "test": 1, "excluded": 1}
    remarks = [record["remarks"] for record in Corpus.open(pop909 / "corpus").records]
    assert remarks == [
        ["near-duplicate of pop909-008 (excluded), similarity 1.00"],
        ["near-duplicate of pop909-007 (test), similarity 1.00"],
        [],
    ]


def test_what_is_no_checkout_of_pop909_is_refused(tmp_path):
    with pytest.raises(UnreadableFileError):
        prepare_pop909(tmp_path, tmp_path, tmp_path / "corpus", jobs=1)
    assert not (tmp_path / "corpus").exists()
