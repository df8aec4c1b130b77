"""Plans as TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.plan import SongPlan
from phraseloom.plan_file import parse_plan_toml, plan_toml, read_plan

FULL = SongPlan(
    num_bars=20,
    form="i4 A8 B8",
    key="F# minor",
    tempo_bpm=92.5,
    repeat=0.25,
    chords="A: F#m | D E; B: Bm7/A . E F#m",
    tracks="A: melody piano; i: none",
    density="A: melody 5, grand piano 9.5; i: all 0",
)


@pytest.mark.parametrize("plan", [SongPlan(), SongPlan(num_bars=7), SongPlan(form="A8 b4", chords="A: C"), FULL])
def test_what_is_written_is_read_back(plan: SongPlan, tmp_path: Path) -> None:
    assert parse_plan_toml(plan_toml(plan)) == plan
    (tmp_path / "plan.toml").write_text(plan_toml(plan), encoding="utf-8")
    assert read_plan(tmp_path / "plan.toml") == plan


def test_a_plan_may_be_typed_over_several_lines() -> None:
    plan = parse_plan_toml('form = "A8 B8"\nchords = """\nA: C Am F G\nB: F | G Em . Am\n"""\n')
    assert plan == SongPlan(form="A8 B8", chords="A: C Am F G; B: F | G Em . Am")
    plan = parse_plan_toml('form = "A8 B8"\ndensity = """\nA: melody 5, piano 9\nB: all 12\n"""\n')
    assert plan == SongPlan(form="A8 B8", density="A: melody 5, piano 9; B: all 12")


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("from = 'A8'", "no 'from'", "did you mean 'form'?"),
        ("zzz = 1", "no 'zzz'", "a plan has num_bars, form"),
        ("form = A8", "no TOML", "write lines such as"),
        ("num_bars = 0", "0 bars", "1 to 128"),
        ("form = 3", "form is 3", "such as"),
        ("chords = 3", "chords are 3", "such as"),
        ("density = 3", "density is 3", "such as"),
        ("densities = 'A: all 3'", "no 'densities'", "did you mean 'density'?"),
        ("density = 'A: all 3'", "there is no form", "such as A8"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_remedy(text: str, message: str, remedy: str) -> None:
    with pytest.raises(RequestError, match=message) as raised:
        parse_plan_toml(text)
    assert remedy in raised.value.remedy


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.toml cannot be read"):
        read_plan(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFileError, match="is no text"):
        read_plan(tmp_path / "bytes.toml")
