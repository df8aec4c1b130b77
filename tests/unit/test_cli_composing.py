"""Plans as the command line asks for them, and the best of several songs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phraseloom.cli import main
from phraseloom.composer import Composer
from phraseloom.plan_file import parse_plan_toml
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


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


def test_a_density_is_part_of_the_plan(weights, tmp_path, capsys):
    asked = ["--form", "A2 B2", "--seed", "5", "--checkpoint", str(weights)]
    assert main(["plan", *asked, "--density", "A: Melody 5.5, all 2\nB: bridge 0"]) == 0
    printed = capsys.readouterr().out
    density = parse_plan_toml(printed).density
    assert density is not None
    of_letter = {letter: dict(notes) for letter, notes in density.parts}
    assert of_letter["A"] == {"melody": 5.5, "bridge": 2, "drums": 2}
    assert of_letter["B"]["bridge"] == 0
    (tmp_path / "plan.toml").write_text(printed, encoding="utf-8")
    song = str(tmp_path / "song.mid")
    given = ["--plan", str(tmp_path / "plan.toml"), "--density", "B: all 7"]
    assert main(["generate", *given, "--steps", "1", "--json", "-o", song, *asked[2:]]) == 0
    assert "B: melody 7, bridge 7, drums 7" in json.loads(capsys.readouterr().out)["plan"]["density"]


@pytest.mark.parametrize("command", [["plan"], ["generate", "--steps", "1", "-o", "song.mid"]])
@pytest.mark.parametrize(
    ("asked", "message", "remedy"),
    [
        (
            ["--form", "A2", "--density", "A: melody"],
            "'melody' is no track with its notes a bar",
            "such as A: melody 5",
        ),
        (["--form", "A2", "--density", "A: melody 65"], "65 notes a bar", "give 0 to 64"),
        (["--form", "A2", "--density", "B: melody 5"], "given for B, but the form is A2", "letters of the form: A"),
        (["--form", "A2", "--density", "A: oboe 5"], "no track 'oboe' for A", "choose among MELODY, BRIDGE, DRUMS"),
        (["--density", "A: melody 5"], "there is no form", "give a form, such as A8"),
    ],
)
def test_a_density_that_cannot_be_ends_in_2_with_a_remedy(
    weights, tmp_path, monkeypatch, capsys, command, asked, message, remedy
):
    monkeypatch.chdir(tmp_path)
    assert main([*command, *asked, "--checkpoint", str(weights)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[0]
    assert remedy in err.splitlines()[-1]
    assert not list(tmp_path.iterdir())
