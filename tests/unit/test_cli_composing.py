"""The best of several songs, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from phraseloom.cli import main
from phraseloom.composer import Composer
from support.networks import write_tiny_weights


def arguments(folder: Path, count: int, best: int) -> list[str]:
    song = ["--form", "A2 B2 A2", "--chords", "A: C G", "--seed", "5", "--steps", "1", "--json"]
    weights = ["--checkpoint", str(write_tiny_weights(folder))]
    return ["generate", "-o", str(folder / "song-{n}.mid"), "--count", str(count), "--best", str(best), *song, *weights]


def test_the_best_are_written_and_all_are_told(tmp_path, capsys):
    assert main(arguments(tmp_path, 4, 2)) == 0
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert sorted(path.name for path in tmp_path.glob("*.mid")) == ["song-1.mid", "song-2.mid"]
    assert [row["report"]["ranking"]["place"] for row in rows] == [1, 2]
    scores = [row["report"]["ranking"]["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    lines = told.err.splitlines()
    assert [line.split(".")[0] for line in lines[:4]] == ["1", "2", "3", "4"]
    assert {line.split("seed ")[1].split(",")[0] for line in lines[:4]} == {"5", "6", "7", "8"}


def test_more_than_are_made_cannot_be_the_best(tmp_path, capsys):
    assert main(arguments(tmp_path, 2, 3)) == 2
    assert "best 3 of 2" in capsys.readouterr().err


def test_nothing_is_written_where_the_work_is_interrupted(tmp_path, monkeypatch):
    whole = Composer.generate
    made = []

    def interrupted(self: Composer, *args, **options):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(whole(self, *args, **options))
        return made[-1]

    monkeypatch.setattr(Composer, "generate", interrupted)
    assert main(arguments(tmp_path, 3, 1)) != 0
    assert not list(tmp_path.glob("*.mid"))
