"""The plans of many songs in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.plan import SongPlan
from phraseloom.plan_table import parse_plan_table, plan_table_toml, read_plan_table

PLANS = {
    "00.mid": SongPlan(form="i4 A8 A8 o4", key="F# minor", tempo_bpm=92.5, chords="A: F#m | D . A E"),
    'sub/a "b".mid': SongPlan(num_bars=16, repeat=1),
    "empty.mid": SongPlan(),
}


def test_what_is_written_is_read(tmp_path: Path):
    path = tmp_path / "plans.toml"
    path.write_text(plan_table_toml(PLANS), encoding="utf-8")
    assert read_plan_table(path) == PLANS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "no TOML"),
        ("num_bars = 8", "'num_bars' stands among the plans"),
        ('["a.mid"]\nbars = 8', "the plan of a.mid has 'bars'"),
        ('["a.mid"]\nnum_bars = 800', "the plan of a.mid: a song of 800 bars"),
        ('["a.mid"]\nform = "A0"', "the plan of a.mid: "),
    ],
)
def test_a_mistake_names_the_song(text: str, said: str):
    with pytest.raises(RequestError, match=said):
        parse_plan_table(text)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(UnreadableFileError, match=r"plans\.toml cannot be read"):
        read_plan_table(tmp_path / "plans.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFileError, match="no text"):
        read_plan_table(tmp_path / "bytes.toml")
