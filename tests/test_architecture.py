"""The house stands as `docs/architecture.md` draws it: imports run one way, and each library has its rooms."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "phraseloom"

LAYERS: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            {"errors", "progress"},
            {"files", "form", "general_midi", "grid", "harmony", "terminal"},
            {"passengers"},
            {"score"},
            {"similarity", "transforms", "midi", "chord_chart", "cast", "regions", "timing", "melody_index"},
            {"repeats", "chord_prior", "plan_prior", "loudness_prior", "voices", "texture"},
            {"texture_prior", "density", "request"},
            {"plan"},
            {"plan_file", "song_recipe"},
            {"structure", "events", "remi_z", "render", "evaluation", "sound", "notation"},
            {"harmonising", "inspection", "corpus", "ranking", "plan_table", "evaluation_page"},
            {"models"},
            {"diffusion"},
            {"checkpoint"},
            {"phrase_codec", "pretrained"},
            {"song_model", "latent_songs"},
            {"latent_file", "morphing", "reading", "lengths", "parts", "reforming"},
            {"drawing", "editing"},
            {"settling"},
            {"training", "composer", "evaluating"},
            {"studio"},
            {"cli"},
            {"__main__"},
        ),
    )
)
"""From the ground up; a unit (a file or a package of this name) imports from lower layers and from itself."""

UNITS = frozenset().union(*LAYERS)
LAYER_OF = {unit: index for index, layer in enumerate(LAYERS) for unit in layer}

SCORE_LEVEL = frozenset({"errors", "files", "form", "harmony", "score", "similarity", "transforms"})

MAY_SEE: dict[str, frozenset[str]] = {
    "evaluation": SCORE_LEVEL | {"progress"},  # so that it judges any system's music
    "render": SCORE_LEVEL,
    "notation": frozenset({"errors", "grid", "harmony", "score", "midi"}),
    "sound": frozenset({"errors", "progress", "files", "general_midi", "score", "midi", "passengers"}),
    "models": frozenset(
        {"errors", "form", "harmony", "score", "texture", "events"}
    ),  # networks know no file and no trainer
    "diffusion": frozenset({"errors", "models"}),
    "composer": UNITS - {"corpus", "render", "inspection", "terminal"},
}
"""Units that may see less than everything below them."""

LIBRARY_ROOMS: dict[str, frozenset[str]] = {
    "torch": frozenset(
        {"models", "diffusion", "checkpoint", "phrase_codec", "song_model", "reading", "lengths", "training", "drawing"}
    ),
    "accelerate": frozenset({"training"}),
    "PIL": frozenset({"render", "evaluation_page"}),
    "joblib": frozenset({"corpus"}),
    "sklearn": frozenset({"evaluation"}),
    "midirenderer": frozenset({"sound"}),
    "soundfile": frozenset({"sound"}),
    "fastapi": frozenset({"studio"}),
    "starlette": frozenset({"studio"}),
    "uvicorn": frozenset({"studio"}),
    "music21": frozenset({"notation"}),
    "cyclopts": frozenset({"cli", "terminal"}),
}
"""Libraries that only the units named here may import."""


@dataclass(frozen=True)
class Import:
    """One import statement's module, as a full dotted name, and the unit and place where it stands."""

    unit: str
    module: str
    place: str


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def unit_of(path: Path) -> str:
    """The file's or package's name directly under `phraseloom`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[Import]:
    """Every import in a file, those inside functions and type-checking blocks included."""
    package = ["phraseloom", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from phraseloom import form` names a module too; a name that is none resolves to the package itself
            modules = [f"{module}.{alias.name}" for alias in node.names] if module == "phraseloom" else [module]
        else:
            continue
        for module in modules:
            yield Import(unit_of(path), module, f"{path.relative_to(ROOT)}:{node.lineno}")


def all_imports() -> list[Import]:
    return [found for path in python_files() for found in imports_of(path)]


def own_unit(module: str) -> str | None:
    """The unit of ours that a module name leads to; None for other libraries and for the bare package."""
    parts = module.split(".")
    if parts[0] != "phraseloom" or len(parts) < 2 or parts[1].startswith("__version"):
        return None
    return parts[1]


def test_every_unit_has_its_place():
    units = {unit_of(path) for path in python_files()} - {"__init__"}
    assert units <= UNITS, "give the new unit a layer here and a line in docs/architecture.md"


def test_the_page_names_every_file():
    """A line for each file and package in the tree of `docs/architecture.md`, and no line for what is not there."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.split("```\nsrc/phraseloom/\n")[1].split("\n```")[0]
    named: set[str] = set()
    package = ""
    for line in tree.splitlines():
        name = line.split()[0]
        package = package if line.startswith("    ") else name
        named.add(name if package == name else package + name)
    files = {path.relative_to(PACKAGE).as_posix() for path in python_files() if path.name != "__init__.py"}
    assert {name for name in named if name.endswith(".py")} == files
    assert {name for name in named if name.endswith("/")} >= {f"{file.split('/')[0]}/" for file in files if "/" in file}


def test_no_import_runs_up_the_house():
    up = [
        f"{found.place}: {found.unit} imports {other}"
        for found in all_imports()
        if (other := own_unit(found.module)) is not None
        and other != found.unit
        and LAYER_OF[other] >= LAYER_OF[found.unit]
    ]
    assert up == []


def test_units_with_a_narrow_view_keep_to_it():
    seen = [
        f"{found.place}: {found.unit} imports {other}"
        for found in all_imports()
        if (other := own_unit(found.module)) is not None
        and other != found.unit
        and other not in MAY_SEE.get(found.unit, {other})
    ]
    assert seen == []


def test_libraries_stay_in_their_rooms():
    strayed = [
        f"{found.place}: {found.unit} imports {library}"
        for found in all_imports()
        if found.unit not in LIBRARY_ROOMS.get(library := found.module.split(".")[0], {found.unit})
    ]
    assert strayed == []


def test_the_reader_of_imports_sees_every_form(monkeypatch, tmp_path):
    """The tests above are worth what this reader is worth."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "phraseloom")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "phraseloom" / "midi" / "reading.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import torch.nn\n"
        "from phraseloom.cli import main\n"
        "from phraseloom import plan, __version__\n"
        "from . import chunks\n"
        "from ..score import Score\n"
        "from .. import form\n"
        "def late():\n    from phraseloom.training.loop import run\n"
    )
    found = [(found.unit, found.module, own_unit(found.module)) for found in imports_of(path)]
    assert found == [
        ("midi", "torch.nn", None),
        ("midi", "phraseloom.cli", "cli"),
        ("midi", "phraseloom.plan", "plan"),
        ("midi", "phraseloom.__version__", None),
        ("midi", "phraseloom.midi", "midi"),
        ("midi", "phraseloom.score", "score"),
        ("midi", "phraseloom.form", "form"),
        ("midi", "phraseloom.training.loop", "training"),
    ]


@pytest.mark.parametrize("module", ["phraseloom.score", "phraseloom.midi", "phraseloom.cli", "phraseloom.inspection"])
def test_it_starts_without_torch(module):
    code = f"import {module}, sys; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "False"


def test_no_machine_is_named():
    """Paths of somebody's home or disk have no place in what others clone."""
    machine_path = re.compile(r"(?<![\w.~])/(home|root|work|Users|mnt|srv)/\w|[A-Z]:\\\\?Users")
    kinds = {".py", ".md", ".toml", ".sh", ".yml", ".json", ""}
    folders = (PACKAGE, *(ROOT / name for name in ("tests", "docs", "recipes", "benchmarks", ".ci")))
    files = [path for folder in folders for path in folder.rglob("*")] + list(ROOT.iterdir())
    named = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files
        if path.is_file() and path.suffix in kinds and "__pycache__" not in path.parts
        if (match := machine_path.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert named == []
