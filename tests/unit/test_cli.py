"""The command line: what goes to stdout and stderr, names of files, exit codes.

A stand-in composes, without torch; songs are edited with tiny weights.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from phraseloom import terminal
from phraseloom.cli import main
from phraseloom.errors import ParseError, RequestError, UnreadableFileError
from phraseloom.form import parse_form
from phraseloom.harmony import Key
from phraseloom.midi import load_midi, read_midi, write_midi
from phraseloom.plan import SongPlan
from phraseloom.score import MeterChange, Notes, Score, TempoChange, Track
from phraseloom.transforms import excerpt
from support import smf
from support.networks import write_tiny_weights
from support.songs import make_song

MIDI_MAGIC = b"MThd"
FIRST_DRAWN_SEED = 4711


def song(num_bars: int = 8) -> Score:
    notes = Notes.from_rows([(48 * bar, 24, 60 + bar % 12, 90) for bar in range(num_bars)])
    return Score(
        (Track("Melody", notes), Track("Piano", notes.transposed(-12))),
        num_bars,
        tempos=(TempoChange(0, 92),),
        sections=parse_form(f"A{num_bars}"),
        key=Key(7, "major"),
    )


@dataclass
class Composition:
    score: Score
    plan: SongPlan
    seed: int
    seconds: dict[str, float]
    report: dict[str, Any]
    recipe: str = "phraseloom: {}"


@dataclass
class StandInComposer:
    """Gives an eight-bar song and remembers what it was asked."""

    requests: list[tuple[SongPlan, int | None, int]] = field(default_factory=list)
    loaded_from: Path | None = None
    failure: BaseException | None = None

    def pretrained(self) -> StandInComposer:
        return self

    def load(self, path: Path) -> StandInComposer:
        self.loaded_from = path
        return self

    def seed_after(self, seed: int) -> int:
        return seed + 1

    def generate(
        self, plan: SongPlan, *, seed: int | None, steps: int = 24, progress: Callable[[str, float], None] | None
    ) -> Composition:
        if self.failure is not None:
            raise self.failure
        self.requests.append((plan, seed, steps))
        if progress is not None:
            progress("sampling", 0.5)
        seconds = {"load": 0.25, "sampling": 0.5, "decoding": 0.125}
        seed = FIRST_DRAWN_SEED if seed is None else seed
        return Composition(song(), plan, seed, seconds, {"num_bars": {"asked": 8, "got": 8}})


@pytest.fixture
def composer(monkeypatch) -> StandInComposer:
    stand_in = StandInComposer()
    module = ModuleType("phraseloom.composer")
    module.__dict__.update(Composer=stand_in, Composition=Composition)
    monkeypatch.setitem(sys.modules, "phraseloom.composer", module)
    return stand_in


def test_generate_writes_the_song_and_tells_it_on_stderr(composer, tmp_path, capsys):
    path = tmp_path / "song.mid"
    assert main(["generate", "-o", str(path), "--form", "A8", "--key", "G", "--tempo", "92", "--seed", "7"]) == 0
    assert read_midi(path).num_bars == 8
    assert composer.requests == [(SongPlan(form="A8", key="G", tempo_bpm=92.0), 7, 24)]
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{path}: 8 bars, 2 tracks, 16 notes, 0:21, G major, 92 bpm, form A8, seed 7\n"


def test_chords_and_repeats_are_part_of_the_plan(composer, tmp_path):
    arguments = ["--form", "A4 B4", "--chords", "A: C Am F G; B: F | G Em . Am", "--repeat", "1"]
    assert main(["generate", "-o", str(tmp_path / "song.mid"), *arguments]) == 0
    plan, _, _ = composer.requests[0]
    assert plan == SongPlan(form="A4 B4", chords="A: C Am F G; B: F | G Em . Am", repeat=1)


def test_json_is_one_object_on_stdout(composer, tmp_path, capsys):
    path = tmp_path / "song.mid"
    assert main(["generate", "-o", str(path), "--bars", "8", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["output"] == str(path)
    assert record["seed"] == FIRST_DRAWN_SEED
    assert record["num_bars"] == 8
    assert record["form"] == "A8"
    assert record["key"] == "G major"
    assert record["tracks"] == [{"name": "Melody", "num_notes": 8}, {"name": "Piano", "num_notes": 8}]
    assert record["report"] == {"num_bars": {"asked": 8, "got": 8}}
    assert list(record["seconds"]) == ["import", "load", "sampling", "decoding", "writing"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("take-{n}.mid", ["take-1.mid", "take-2.mid", "take-3.mid"]),
        ("a.b.mid", ["a.b-1.mid", "a.b-2.mid", "a.b-3.mid"]),
    ],
)
def test_count_numbers_the_files_and_the_seeds(composer, tmp_path, capsys, given, written):
    assert main(["generate", "-o", str(tmp_path / given), "--count", "3", "--json"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == written
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(record["output"]).name for record in records] == written
    assert [record["seed"] for record in records] == [FIRST_DRAWN_SEED, FIRST_DRAWN_SEED + 1, FIRST_DRAWN_SEED + 2]
    assert [seed for _, seed, _ in composer.requests] == [None, FIRST_DRAWN_SEED + 1, FIRST_DRAWN_SEED + 2]


def test_a_single_song_keeps_its_name(composer, tmp_path):
    assert main(["generate", "-o", str(tmp_path / "take-{n}.mid")]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["take-1.mid"]


def test_weights_of_ones_own_training(composer, tmp_path):
    assert main(["generate", "-o", str(tmp_path / "song.mid"), "--checkpoint", str(tmp_path), "--steps", "8"]) == 0
    assert composer.loaded_from == tmp_path
    assert composer.requests[0][2] == 8


def test_a_hyphen_writes_midi_to_stdout(composer, capsysbinary):
    assert main(["generate", "-o", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert out.startswith(MIDI_MAGIC)
    assert read_midi(out).num_bars == 8
    assert err.startswith(b"stdout: 8 bars")


@pytest.mark.parametrize(("extra", "what"), [(["--count", "2"], "cannot all go"), (["--json"], "cannot both go")])
def test_stdout_carries_one_midi_file_only(composer, capsys, extra, what):
    assert main(["generate", "-o", "-", *extra]) == 2
    assert what in capsys.readouterr().err
    assert composer.requests == []


def test_a_terminal_is_not_filled_with_bytes(composer, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["generate", "-o", "-"]) == 2
    assert "`-o -` would fill the terminal" in capsys.readouterr().err


def test_a_bad_place_is_refused_before_any_work(composer, tmp_path, capsys):
    assert main(["generate", "-o", str(tmp_path / "missing" / "song.mid")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert composer.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate"],
        ["generate", "-o"],
        ["generate", "-o", "--bars", "8"],
        ["generate", "-o", ".", "--count", "2"],
        ["generate", "-o", "song.mid", "--bars", "many"],
        ["generate", "-o", "song.mid", "--bars", "0"],
        ["generate", "-o", "song.mid", "--form", "A8 ?"],
        ["generate", "-o", "song.mid", "--count", "0"],
        ["generate", "-o", "song.mid", "--steps", "0"],
        ["generate", "-o", "song.mid", "--tempo", "0"],
        ["generate", "-o", "song.mid", "--repeat", "1.5"],
        ["generate", "-o", "song.mid", "--repeat", "often"],
        ["generate", "-o", "song.mid", "--form", "A8", "--chords", "A: C H"],
        ["generate", "-o", "song.mid", "--form", "A8", "--chords", "B: C Am"],
        ["generate", "-o", "song.mid", "--chords", "A: C Am"],
        ["generate", "-o", "song.mid", "--colour", "red"],
        ["compose"],
        ["inspect"],
        ["render", "song.mid", "-o", "song.jpg"],
    ],
)
def test_a_bad_request_ends_in_2_with_one_error(composer, tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("error") == 1
    assert "Traceback" not in err
    assert len(err.splitlines()) >= 2, "what is wrong, then what to do"
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_option_is_answered_with_the_right_one(capsys):
    assert main(["generate", "-o", "song.mid", "--bras", "8"]) == 2
    assert "--bars" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (RequestError("no such bar", "ask for another"), 2, "error: no such bar\n  ask for another\n"),
        (UnreadableFileError("not MIDI", "give MIDI"), 3, "error: not MIDI\n  give MIDI\n"),
        (ParseError("A8 ?", 3, 4, "what?", "a letter"), 2, "error: what?\n  A8 ?\n     ^\n  a letter\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_every_end_has_its_exit_code(composer, tmp_path, capsys, failure, code, said):
    composer.failure = failure
    old = tmp_path / "song.mid"
    old.write_bytes(b"old")
    assert main(["generate", "-o", str(old)]) == code
    assert capsys.readouterr().err == said
    assert old.read_bytes() == b"old"


def test_our_own_fault_is_one_line_and_a_traceback_on_request(composer, tmp_path, capsys, monkeypatch):
    composer.failure = ZeroDivisionError("by\nzero")
    monkeypatch.delenv(terminal.DEBUG_VARIABLE, raising=False)
    assert main(["generate", "-o", str(tmp_path / "song.mid")]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ZeroDivisionError: by zero\n")
    assert terminal.DEBUG_VARIABLE in err
    monkeypatch.setenv(terminal.DEBUG_VARIABLE, "1")
    assert main(["generate", "-o", str(tmp_path / "song.mid")]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_progress_is_for_terminals_only(capsys, monkeypatch):
    with terminal.progress_bar() as progress:
        progress("sampling", 0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with terminal.progress_bar() as progress:
        progress("sampling", 0.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert "sampling" in err


def test_inspect_says_what_a_file_holds(tmp_path, capsys):
    path = tmp_path / "song.mid"
    write_midi(song(), path)
    assert main(["inspect", str(path)]) == 0
    text, err = capsys.readouterr()
    assert "Melody" in text
    assert err == ""
    assert main(["inspect", str(path), "--json"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert isinstance(json.loads(out), dict)


def test_an_unreadable_file_ends_in_3(tmp_path, capsys):
    path = tmp_path / "song.mid"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert main(["inspect", str(path)]) == 3
    assert main(["inspect", str(tmp_path / "missing.mid")]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("error: ") == 2


@pytest.mark.parametrize("kind", ["piano-roll", "self-similarity"])
def test_render_draws_a_picture(tmp_path, capsys, kind):
    write_midi(song(), tmp_path / "song.mid")
    picture = tmp_path / "song.png"
    assert main(["render", str(tmp_path / "song.mid"), "-o", str(picture), "--picture", kind, "--width", "640"]) == 0
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert image.width == 640
    assert capsys.readouterr().out == ""


def test_a_width_that_cannot_be_drawn_is_a_bad_request(tmp_path, capsys):
    write_midi(song(), tmp_path / "song.mid")
    assert main(["render", str(tmp_path / "song.mid"), "-o", str(tmp_path / "song.png"), "--width", "10"]) == 2
    assert "at least 400" in capsys.readouterr().err
    assert not (tmp_path / "song.png").exists()


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def edited(weights, tmp_path) -> Callable[..., int]:
    """Runs a command on `tune`, which lies in a file, and returns its exit code."""
    path = tmp_path / "tune.mid"
    write_midi(tune(), path)

    def run(command: str, *arguments: str) -> int:
        return main([command, str(path), "--steps", "1", "--checkpoint", str(weights), *arguments])

    return run


def tune() -> Score:
    """A song whose first two tracks and drums are parts of the tiny model; its piano is none."""
    return make_song(4, num_tracks=3, form="A4 B4", with_drums=True)


def test_infill_writes_takes_that_differ_only_in_the_region(edited, tmp_path, capsys):
    arguments = ["--bars", "3-4,7", "--tracks", "melody,2", "--count", "2", "--seed", "5", "--json"]
    assert edited("infill", *arguments, "-o", str(tmp_path / "alt-{n}.mid")) == 0
    out, err = capsys.readouterr()
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["seed"] for record in records] == [5, 6]
    assert [Path(record["output"]).name for record in records] == ["alt-1.mid", "alt-2.mid"]
    assert records[0]["report"]["written_cells"]["asked"] == 6
    assert "alt-2.mid: 8 bars, 4 tracks" in err
    first, second = (read_midi(record["output"]) for record in records)
    assert first.tracks[2:] == second.tracks[2:] == tune().tracks[2:]
    assert first != second
    for bar, num_bars in ((0, 2), (4, 2), (7, 1)):
        assert excerpt(first, bar, num_bars) == excerpt(second, bar, num_bars) == excerpt(tune(), bar, num_bars)


def test_vary_at_no_distance_gives_the_file_s_song_on_stdout(edited, capsysbinary):
    assert edited("vary", "--distance", "0", "-o", "-") == 0
    out, err = capsysbinary.readouterr()
    assert read_midi(out) == tune()
    assert err.startswith(b"stdout: 8 bars, 4 tracks")


def test_vary_changes_what_is_named(edited, tmp_path):
    assert edited("vary", "--distance", "0.9", "--tracks", "DRUMS", "-o", str(tmp_path / "varied.mid")) == 0
    varied = read_midi(tmp_path / "varied.mid")
    assert varied.tracks[:3] == tune().tracks[:3]
    assert varied.tracks[3] != tune().tracks[3]


@pytest.mark.parametrize(
    ("arguments", "form", "first_bar"),
    [
        (["--form", "B2 o2"], "A4 B4 B2 o2", 0),
        (["--bars", "3"], "A4 B4 C3", 0),
        (["--form", "i3", "--before"], "i3 A4 B4", 3),
    ],
)
def test_extend_goes_on_in_the_form_asked(edited, tmp_path, arguments, form, first_bar):
    path = tmp_path / "longer.mid"
    assert edited("extend", *arguments, "-o", str(path)) == 0
    longer = read_midi(path)
    assert longer.sections == parse_form(form)
    assert excerpt(longer, first_bar, 8) == tune()


def test_arrange_rewrites_the_parts_that_are_not_given(edited, tmp_path):
    path = tmp_path / "arranged.mid"
    assert edited("arrange", "--given", "Melody=PIANO,Drums=4", "-o", str(path)) == 0
    arranged = read_midi(path)
    assert [track.name for track in arranged.tracks] == [track.name for track in tune().tracks]
    melody, bridge, *others = arranged.tracks
    assert (melody, *others) == (tune().tracks[0], *tune().tracks[2:])
    assert bridge.program == tune().tracks[1].program
    assert bridge.notes != tune().tracks[1].notes


def test_arrange_keeps_all_tracks_when_asked_to(edited, tmp_path):
    path = tmp_path / "arranged.mid"
    assert edited("arrange", "--given", "Melody=PIANO,Drums=4", "--keep-others", "-o", str(path)) == 0
    arranged = read_midi(path)
    assert arranged.tracks[:4] == tune().tracks
    assert [track.name for track in arranged.tracks[4:]] == ["BRIDGE"]
    assert len(arranged.tracks[4].notes) > 0


@pytest.mark.parametrize("arguments", [[], ["--melody", "MELODY"], ["--melody", "1"]])
def test_arrange_says_what_it_found(edited, tmp_path, capsys, arguments):
    path = tmp_path / "arranged.mid"
    assert edited("arrange", *arguments, "-o", str(path)) == 0
    err = capsys.readouterr().err
    assert f"found 8 bars of 4/4, {tune().tempo_bpm:g} bpm, key {tune().key}, form A4 B4, all of" in err
    assert ("taken for the melody: MELODY=1" in err) == (not arguments)
    assert read_midi(path).tracks[0] == tune().tracks[0]


def test_arrange_is_told_better(edited, tmp_path):
    path = tmp_path / "arranged.mid"
    told = ["--key", "F# minor", "--tempo", "77", "--form", "i4 A4", "--density", "A: bridge 9, drums 4"]
    assert edited("arrange", "--melody", "1", *told, "-o", str(path)) == 0
    arranged = read_midi(path)
    assert (str(arranged.key), arranged.tempo_bpm) == ("F# minor", 77)
    assert arranged.sections == parse_form("i4 A4")
    assert arranged.tracks[0] == tune().tracks[0]


def test_what_is_locked_stays_and_the_file_remembers_it(edited, tmp_path, weights, capsys):
    first, second = tmp_path / "first.mid", tmp_path / "second.mid"
    assert edited("infill", "--lock", "MELODY; all: 3-4", "-o", str(first)) == 0
    assert read_midi(first).tracks[0] == tune().tracks[0]
    assert excerpt(read_midi(first), 2, 2) == excerpt(tune(), 2, 2)
    run = ["--steps", "1", "--checkpoint", str(weights), "-o", str(second)]
    assert main(["infill", str(first), *run]) == 0
    assert read_midi(second).tracks[0] == tune().tracks[0]
    assert read_midi(second) != read_midi(first)
    assert main(["infill", str(first), "--tracks", "MELODY", *run]) == 2
    assert "all that was to be written is locked" in capsys.readouterr().err
    assert main(["infill", str(first), "--tracks", "MELODY", "--lock", "", *run]) == 0
    assert read_midi(second).tracks[0] != tune().tracks[0]
    assert main(["inspect", str(second)]) == 0
    made = capsys.readouterr().out.split("made by phraseloom\n")[1].splitlines()
    assert [line.split(", seed")[0].strip() for line in made] == ["infill", "infill, tracks MELODY"]


def test_locks_that_no_longer_fit_are_refused(edited, tmp_path, weights, capsys):
    path = tmp_path / "locked.mid"
    assert edited("vary", "--lock", "BRIDGE", "-o", str(path)) == 0
    shorter = Score(read_midi(path).tracks[:1], 8)
    write_midi(shorter, path, texts=[load_midi(path).recipe or ""])
    capsys.readouterr()
    assert main(["infill", str(path), "--checkpoint", str(weights), "-o", str(tmp_path / "out.mid")]) == 2
    err = capsys.readouterr().err
    assert "the file locks BRIDGE, but the song has no track 'BRIDGE'" in err
    assert '--lock "" for nothing' in err


def test_a_composed_file_is_a_plan(weights, tmp_path, capsys):
    first, again = tmp_path / "first.mid", tmp_path / "again.mid"
    run = ["--seed", "3", "--steps", "1", "--checkpoint", str(weights)]
    assert main(["generate", "--form", "A2 B2", "--key", "D", *run, "-o", str(first)]) == 0
    assert main(["generate", "--plan", str(first), *run, "-o", str(again)]) == 0
    assert again.read_bytes() == first.read_bytes()
    write_midi(read_midi(first), again)
    assert main(["generate", "--plan", str(again), *run, "-o", str(first)]) == 2
    assert "does not say which plan" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("infill", ["--bars", "7-9"], "name bars from 1 to 8"),
        ("infill", ["--bars", "a"], "write bars as 13-20 or 4,9-12"),
        ("infill", ["--tracks", "organ"], "choose among 1 MELODY, 2 BRIDGE, 3 PIANO, 4 DRUMS"),
        ("infill", ["--tracks", "piano"], "choose among 1 MELODY, 2 BRIDGE, 4 DRUMS"),
        ("vary", ["--distance", "2"], "ask for 0 (as it is) to 1 (all new)"),
        ("vary", ["--distance", "far"], "--help shows"),
        ("extend", [], "give either --form"),
        ("extend", ["--form", "B8", "--bars", "8"], "give either --form"),
        ("extend", ["--form", "B"], "write each section as"),
        ("extend", ["--bars", "0"], "ask for 1 to 128"),
        ("extend", ["--bars", "128"], "ask for 1 to 120 bars at a time"),
        ("arrange", ["--melody", "organ"], "choose among 1 MELODY"),
        ("arrange", ["--melody", "1", "--form", "A3"], "give a form of 8 bars"),
        ("arrange", ["--melody", "1", "--tempo", "0"], "ask for 10 to 600"),
        ("arrange", ["--melody", "1", "--key", "H"], "write"),
        ("infill", ["--lock", "all"], "name other bars or tracks, or lock less"),
        ("infill", ["--lock", "organ: 1"], "choose among 1 MELODY"),
        ("infill", ["--density", "Q: all 4"], "give densities for letters of the form"),
        ("infill", ["--density", "A: organ 4"], "choose among MELODY"),
        ("infill", ["--density", "full"], "write a letter"),
        ("arrange", ["--given", "1"], "write part and track, such as MELODY=1"),
        ("arrange", ["--given", "Organ=1"], "give tracks for some of MELODY, BRIDGE, DRUMS"),
    ],
)
def test_an_edit_that_cannot_be_made_ends_in_2_with_a_remedy(edited, tmp_path, capsys, command, arguments, said):
    assert edited(command, *arguments, "-o", str(tmp_path / "out.mid")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert said in err.splitlines()[-1]
    assert not (tmp_path / "out.mid").exists()


def test_songs_to_be_edited_must_be_readable_and_in_4_4(edited, tmp_path, capsys):
    path = tmp_path / "tune.mid"
    write_midi(Score(song().tracks, 11, meters=(MeterChange(0, 3, 4),)), path)
    assert edited("infill", "-o", str(tmp_path / "out.mid")) == 2
    assert "the song is in 3/4\n  the model speaks 4/4 only; cut out the part" in capsys.readouterr().err
    assert edited("infill", "--meter", "3/4", "-o", str(tmp_path / "out.mid")) == 2
    assert edited("infill", "--meter", "4/4", "--bars", "2", "-o", str(tmp_path / "out.mid")) == 0
    assert read_midi(tmp_path / "out.mid").meters == (MeterChange(0, 4, 4),)
    (tmp_path / "out.mid").unlink()
    path.write_bytes(b"no MIDI")
    assert edited("infill", "-o", str(tmp_path / "out.mid")) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["tune.mid"]


def test_what_the_grid_moved_is_told_before_a_song_is_edited(edited, tmp_path, capsys):
    path = tmp_path / "tune.mid"
    melody = smf.chunk(smf.meta(3, b"MELODY"), smf.note(60, 480), smf.note(61, 1, delta_ticks=2), smf.note(61, 480))
    path.write_bytes(smf.midi_file(melody))
    assert edited("infill", "-o", str(tmp_path / "out.mid")) == 0
    err = capsys.readouterr().err
    assert f"{path}: notes that fall on another of their pitch on the grid: 1" in err
    assert f"{path}: 2 of 3 notes off the grid, by up to 3.1 ms; those that stay keep their time" in err


def run_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "phraseloom", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def test_help_and_version_go_to_stdout():
    for arguments in (["--help"], ["generate", "--help"], ["--version"], []):
        run = run_process(*arguments, env={**os.environ, "NO_COLOR": "1"})
        assert run.returncode == 0
        assert run.stdout != ""
        assert run.stderr == ""
        assert "\x1b[" not in run.stdout


def test_a_reader_that_leaves_is_no_event(tmp_path):
    """stdout is a pipe whose other end is closed before anything is written."""
    path = tmp_path / "song.mid"
    write_midi(song(), path)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "phraseloom", "inspect", str(path)]
    run = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert run.stderr == ""
    assert run.returncode == 1
