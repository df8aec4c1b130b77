"""Reading POP909 and its labels, on tiny songs laid out like the two repositories."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phraseloom.corpus.pop909 import find_pop909_songs, read_pop909_song
from phraseloom.corpus.song import AlignmentReport, CorpusSong, Rejection
from phraseloom.errors import UnreadableFileError
from phraseloom.form import format_form
from phraseloom.harmony import Key
from phraseloom.midi import midi_bytes
from phraseloom.score import MeterChange, Notes, Score, TempoChange, Track

NUM_BARS = 12
PIANO_BAR = [(0, 12, 48, 70), (0, 12, 55, 70), (12, 12, 52, 60), (24, 12, 48, 66), (36, 12, 55, 60)]
LABELS = {
    "human_label1.txt": "i2A4A4o2",
    "finalized_chord.txt": "C:maj [0, 4, 7] 0 4 \n" * (NUM_BARS - 1) + "N []  4 ",
    "analyzed_key.txt": "C:maj\n",
    "tempo.txt": "92",
}


def melody_rows(num_bars: int = NUM_BARS, ticks_per_bar: int = 48) -> list[tuple[int, int, int, int]]:
    """Eighth notes from bar 2 on, two bars of rest at the end; no pattern repeats."""
    onsets = range(2 * ticks_per_bar, (num_bars - 2) * ticks_per_bar, 6)
    pitches = np.random.default_rng(1).integers(60, 84, len(onsets)).tolist()
    return [(onset, 6, pitch, 90) for onset, pitch in zip(onsets, pitches, strict=True)]


def melody_text(rows: list[tuple[int, int, int, int]]) -> str:
    """The rows, which follow each other without a gap, as labels on the 16th grid."""
    return f"0 {rows[0][0] // 3}\n" + "".join(f"{pitch} {length // 3}\n" for _, length, pitch, _ in rows)


def song_of(shift_ticks: int = 0, piano_bar: list[tuple[int, int, int, int]] = PIANO_BAR, tail_bars: int = 1) -> Score:
    """A performance whose bars begin `shift_ticks` after those of the labels; it rings on behind the last bar."""
    piano = [
        (bar * 48 + onset, length, pitch, velocity)
        for bar in range(NUM_BARS + tail_bars)
        for onset, length, pitch, velocity in piano_bar
    ]
    lines = {"MELODY": melody_rows(), "BRIDGE": [(96, 48, 67, 50)], "PIANO": piano}
    tracks = tuple(Track(name, Notes.from_rows(rows).shifted(shift_ticks)) for name, rows in lines.items())
    return Score(tracks, num_bars=NUM_BARS + 8, tempos=(TempoChange(0, 93.0),))


class Checkouts:
    """The two repositories, with one song."""

    def __init__(self, folder: Path) -> None:
        self.midi_dir, self.labels_dir = folder / "midi", folder / "labels"
        for checkout in (self.midi_dir, self.labels_dir):
            (checkout / "POP909" / "007").mkdir(parents=True)
        self.write(song_of())

    def write(self, score: Score, **labels: str) -> None:
        (self.midi_dir / "POP909" / "007" / "007.mid").write_bytes(midi_bytes(score))
        texts = {"melody.txt": melody_text(melody_rows()), **LABELS}
        texts.update({name + ".txt": text for name, text in labels.items()})
        for name, text in texts.items():
            (self.labels_dir / "POP909" / "007" / name).write_text(text)

    def read(self) -> CorpusSong | Rejection:
        return read_pop909_song(self.midi_dir, self.labels_dir, 7)

    def song(self) -> CorpusSong:
        song = self.read()
        assert isinstance(song, CorpusSong), song
        return song

    def report(self) -> AlignmentReport:
        report = self.song().report
        assert report is not None
        return report

    def reason(self) -> str:
        rejection = self.read()
        assert isinstance(rejection, Rejection)
        assert rejection.song_id == "pop909-007"
        return rejection.reason


@pytest.fixture
def checkouts(tmp_path: Path) -> Checkouts:
    return Checkouts(tmp_path)


def test_a_song_has_its_labels_bars_tracks_and_split(checkouts: Checkouts):
    song = checkouts.song()
    assert (song.song_id, song.split) == ("pop909-007", "test")
    score = song.score
    assert [track.name for track in score.tracks] == ["Melody", "Bridge", "Piano"]
    assert score.num_bars == NUM_BARS
    assert format_form(score.sections) == "i2 A4 A4 o2"
    assert score.meters == (MeterChange(0, 4, 4),)
    assert score.key == Key(0, "major")
    assert score.tempo_bpm == pytest.approx(93.0, abs=0.01)
    assert score.tracks[0].notes == Notes.from_rows(melody_rows())


@pytest.mark.parametrize("shift_ticks", [1, 7, 12, 24, 36, 100])
def test_wrong_bar_lines_are_put_right(checkouts: Checkouts, shift_ticks: int):
    expected = checkouts.song().score
    checkouts.write(song_of(shift_ticks))
    assert checkouts.song().score == expected


def test_what_lies_outside_the_labelled_bars_is_left_out_and_counted(checkouts: Checkouts):
    checkouts.write(song_of(tail_bars=3))
    song = checkouts.song()
    assert checkouts.report().num_notes_left_out == 3 * len(PIANO_BAR)
    assert song.score.tracks[2].notes.onset_ticks.max() < song.score.num_ticks


def test_velocities_are_kept(checkouts: Checkouts):
    first_bar = checkouts.song().score.tracks[2].notes
    rows = first_bar.where(first_bar.onset_ticks < 48).table.tolist()
    assert sorted(map(tuple, rows)) == sorted(PIANO_BAR)


def test_beats_taken_out_by_the_labels_are_taken_out_of_every_track(checkouts: Checkouts):
    expected = checkouts.song().score
    cut = 6 * 48
    tracks = []
    for track in song_of().tracks:  # two beats more than the labels have, before bar 6
        onset = track.notes.onset_ticks + np.where(track.notes.onset_ticks >= cut, 24, 0)
        tracks.append(replace(track, notes=replace(track.notes, onset_ticks=onset)))
    checkouts.write(replace(song_of(), tracks=tuple(tracks)))
    song = checkouts.song()
    assert checkouts.report().num_shift_changes == 1
    assert song.score == expected


def test_chords_follow_the_bars_and_the_last_one_may_be_short(checkouts: Checkouts):
    assert [str(span.chord) for span in checkouts.song().score.chords] == ["C"] * (NUM_BARS - 1) + ["N.C."]
    checkouts.write(song_of(), finalized_chord="C:maj [0, 4, 7] 0 4 \n" * (NUM_BARS - 1) + "C:maj [0, 4, 7] 0 1 ")
    last, rest = checkouts.song().score.chords[-2:]
    assert (str(last.chord), last.duration_ticks) == ("C", 12)
    assert (str(rest.chord), rest.duration_ticks) == ("N.C.", 36)


def test_a_song_with_three_beats_a_bar_is_marked_so(checkouts: Checkouts):
    num_bars = NUM_BARS * 4 // 3
    chords = "C:maj [0, 4, 7] 0 3 \n" * num_bars
    checkouts.write(song_of(), human_label1="i3A8o5", finalized_chord=chords)
    score = checkouts.song().score
    assert (score.num_bars, str(score.meters[0])) == (num_bars, "3/4")


def test_of_several_keys_the_best_fitting_is_taken(checkouts: Checkouts):
    white_keys = [
        (onset, length, 60 + (0, 2, 4, 5, 7, 9, 11)[pitch % 7], 90) for onset, length, pitch, _ in melody_rows()
    ]
    score = song_of()
    score = replace(score, tracks=(Track("MELODY", Notes.from_rows(white_keys)), *score.tracks[1:]))
    checkouts.write(score, melody=melody_text(white_keys), analyzed_key="Gb:maj\nA:min\nC:maj\n")
    assert checkouts.song().score.key == Key(9, "minor")


def smf_bytes(lines: dict[str, list[tuple[int, int, int, int]]]) -> bytes:
    """A MIDI file of type 1 at 480 ticks a quarter, for what a `Score` cannot hold; rows as in `Notes.from_rows`."""

    def quantity(number: int) -> bytes:
        return bytes([number >> 14 & 127 | 128, number >> 7 & 127 | 128, number & 127])

    chunks = []
    for channel, (name, rows) in enumerate(lines.items()):
        events = [(onset, 0x90 | channel, pitch, velocity) for onset, _, pitch, velocity in rows]
        events += [(onset + length, 0x80 | channel, pitch, 0) for onset, length, pitch, _ in rows]
        body, tick = b"\0\xff\x03" + bytes([len(name)]) + name.encode(), 0
        for event in sorted(events):
            body += quantity(event[0] - tick) + bytes(event[1:])
            tick = event[0]
        body += b"\0\xff\x2f\0"
        chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + body)
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(chunks), 480) + b"".join(chunks)


def file_rows(track: Track) -> list[tuple[int, int, int, int]]:
    return [(40 * onset, 40 * length, pitch, velocity) for onset, length, pitch, velocity in track.notes.table.tolist()]


def test_a_constant_offset_of_a_few_file_ticks_and_doubled_notes_are_removed_and_counted(checkouts: Checkouts):
    expected = checkouts.song().score
    lines = {track.name: [(row[0] + 23, *row[1:]) for row in file_rows(track)] for track in song_of().tracks}
    onset, length, pitch, velocity = lines["BRIDGE"][0]
    lines["BRIDGE"].append((onset + 5, length - 5, pitch, velocity))
    lines["PIANO"].append((20 * 480 + 23 + 60, 200, 50, 64))  # half a 16th behind its place
    (checkouts.midi_dir / "POP909" / "007" / "007.mid").write_bytes(smf_bytes(lines))
    song, report = checkouts.song(), checkouts.report()
    assert song.score.tracks[0] == expected.tracks[0]
    assert len(song.score.tracks[1].notes) == 1
    assert song.score.num_notes == expected.num_notes + 1
    assert (report.num_notes_merged, report.num_notes_moved) == (1, 1)
    assert song.score.tempo_bpm == 92.0  # a file without a tempo has the labels'


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"human_label1": "i2A4A4o9"}, "the sections have 19 bars and the chords 48 beats"),
        ({"human_label1": "i2A4?4"}, "is no section"),
        ({"melody": "60 2\n62\n"}, "melody.txt has a line '62'"),
        ({"melody": "0 64\n"}, "melody.txt has no notes"),
        ({"finalized_chord": "C:maj 4\n"}, "finalized_chord.txt has a line 'C:maj 4'"),
        ({"finalized_chord": "F#:maj [1, 6, 10] 6 4 \n" * NUM_BARS}, "only 0 % of the accompaniment's notes"),
        ({"analyzed_key": "H:dur"}, "no key starts with"),
        ({"tempo": "fast"}, "tempo.txt holds 'fast'"),
    ],
)
def test_labels_that_do_not_fit_are_named(checkouts: Checkouts, labels: dict[str, str], reason: str):
    checkouts.write(song_of(), **labels)
    assert reason in checkouts.reason()


def test_another_melody_is_rejected_with_its_share(checkouts: Checkouts):
    other = [(onset, length, 60 + (7 * pitch) % 24, 90) for onset, length, pitch, _ in melody_rows()]
    half = [*melody_rows()[:32], *other[32:]]
    checkouts.write(song_of(), melody=melody_text(half))
    assert "% of the labelled melody notes are at their place" in checkouts.reason()


def test_missing_files_are_named(checkouts: Checkouts):
    (checkouts.labels_dir / "POP909" / "007" / "melody.txt").unlink()
    assert "melody.txt is missing" in checkouts.reason()
    (checkouts.midi_dir / "POP909" / "007" / "007.mid").unlink()
    assert "does not exist" in checkouts.reason()


def test_a_file_without_the_three_tracks_is_rejected(checkouts: Checkouts):
    checkouts.write(replace(song_of(), tracks=song_of().tracks[:1]))
    assert checkouts.reason() == "the MIDI file has no track BRIDGE, PIANO"


def test_checkout_root_and_its_inner_folder_are_the_same(checkouts: Checkouts):
    inner = read_pop909_song(checkouts.midi_dir / "POP909", checkouts.labels_dir / "POP909", 7)
    assert inner == checkouts.song()
    assert find_pop909_songs(checkouts.midi_dir, checkouts.labels_dir / "POP909") == [7]


def test_folders_without_songs_are_refused(tmp_path: Path, checkouts: Checkouts):
    with pytest.raises(UnreadableFileError, match="holds no POP909 songs"):
        find_pop909_songs(checkouts.midi_dir, tmp_path / "nowhere")
