"""A browser and a service for the tests of the page; where there is no browser, that is said and nothing is run."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
)
NEEDED = ("playwright", "axe_playwright_python", "fastapi", "uvicorn")

_browser = next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
_missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if _browser is None:
    _missing.insert(0, "Chromium")
collect_ignore_glob = ["test_*.py"] if _missing else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says plainly that the page was not tested, and what is missing."""
    if _missing:
        terminalreporter.write_line(f"The page was NOT tested: no {', '.join(_missing)} here; see CONTRIBUTING.md")


if not _missing:
    import torch
    from playwright.sync_api import Browser, BrowserContext, sync_playwright

    from browser.service import Service
    from browser.studio_page import StudioPage
    from phraseloom import phrase_codec, song_model
    from phraseloom.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
    from phraseloom.events import Attribute
    from phraseloom.melody_index import MELODY_INDEX_FILE, MelodyIndex
    from phraseloom.phrase_codec import PHRASE_VAE_FILE
    from phraseloom.song_model import SONG_DIT_FILE
    from support.networks import write_tiny_weights
    from support.songs import make_song

    def without(checkpoint: Checkpoint, prefix: str) -> Checkpoint:
        """The checkpoint with zeros for all weights whose name begins so."""
        weights = {
            name: torch.zeros_like(value) if name.startswith(prefix) else value
            for name, value in checkpoint.weights.items()
        }
        return replace(checkpoint, weights=weights)

    @pytest.fixture(scope="session")
    def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Tiny weights that have learnt nothing, but keep to the song that they see as far as they can.

        The song transformer corrects nothing: from near by it sees the song, from far off it sees noise. The decoder
        does not look at velocities, which are drawn anew for every take.
        """
        folder = write_tiny_weights(tmp_path_factory.mktemp("weights"))
        phrase_vae = read_checkpoint(folder / PHRASE_VAE_FILE, phrase_codec.KIND)
        phrase_vae = without(phrase_vae, f"embeddings.{Attribute.VELOCITY.value}.")
        song_dit = without(read_checkpoint(folder / SONG_DIT_FILE, song_model.KIND), "to_cells.")
        belongings = {"phrase_vae": phrase_codec.latent_fingerprint_of(phrase_vae), "calibration": 0.0}
        song_dit = replace(song_dit, extra={**song_dit.extra, **belongings})
        write_checkpoint(phrase_vae, folder / PHRASE_VAE_FILE)
        write_checkpoint(song_dit, folder / SONG_DIT_FILE)
        MelodyIndex.build([make_song(1)], held_out=[make_song(2)]).save(folder / MELODY_INDEX_FILE)
        return folder

    @pytest.fixture(scope="session")
    def service(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Iterator[Service]:
        running = Service(tmp_path_factory.mktemp("studio"), weights)
        running.start()
        yield running
        running.kill()

    @pytest.fixture
    def mortal_service(tmp_path: Path, weights: Path) -> Iterator[Service]:
        """A service of the test's own, which it may kill."""
        running = Service(tmp_path, weights)
        running.start()
        yield running
        running.kill()

    @pytest.fixture
    def trained_service(tmp_path: Path) -> Iterator[Service]:
        """A service with the weights that come with the package."""
        running = Service(tmp_path, Path(str(files("phraseloom") / "pretrained")))
        running.start()
        yield running
        running.kill()

    @pytest.fixture(scope="module")
    def browser() -> Iterator[Browser]:
        """Not for longer than its tests: while it runs, so does an event loop, and others cannot run theirs."""
        with sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=_browser, args=list(FLAGS))
            yield running
            running.close()

    @pytest.fixture
    def context(browser: Browser) -> Iterator[BrowserContext]:
        fresh = browser.new_context(viewport={"width": 1360, "height": 860}, accept_downloads=True)
        yield fresh
        fresh.close()

    @pytest.fixture
    def studio(context: BrowserContext, service: Service) -> StudioPage:
        """A page that has not been opened yet."""
        return StudioPage(context.new_page(), service)
