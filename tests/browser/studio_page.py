"""The studio's page as somebody uses it, in words of the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from browser.service import Service

WAIT_MS = 60_000
POLL_MS = 50


class StudioPage:
    """A page of the browser that shows the song saved last."""

    def __init__(self, page: Page, service: Service) -> None:
        self.page, self.service = page, service
        self.console_errors: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda message: message.type == "error" and self.console_errors.append(message.text))
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    def open(self) -> StudioPage:
        self.page.goto(self.service.address)
        self.chips.first.wait_for()
        return self

    def reload(self) -> None:
        self.page.reload()
        self.chips.first.wait_for()

    @property
    def song(self) -> dict[str, Any]:
        """The song saved last, as the service has it."""
        latest = self.service.ask("GET", "/api/songs?limit=1")["songs"][0]
        return self.service.ask("GET", f"/api/songs/{latest['id']}")

    @property
    def revision(self) -> dict[str, Any]:
        return self.song["revision"]

    @property
    def chips(self) -> Locator:
        return self.page.locator(".chip")

    @property
    def shown_hash(self) -> str:
        """What tells apart the notes that are seen and heard."""
        return self.page.locator("body").get_attribute("data-notes-hash") or ""

    @property
    def tick(self) -> float:
        """Where the playhead stands."""
        return float(self.page.get_by_role("slider", name="Playhead").get_attribute("data-tick") or 0)

    @property
    def level(self) -> float:
        """What the analyser reads."""
        return self.page.locator("#level").evaluate("meter => meter.value")

    @contextmanager
    def slow_service(self) -> Iterator[None]:
        """What the page asks meanwhile reaches the service only afterwards."""
        waiting: list[Route] = []

        def keep(route: Route) -> None:
            waiting.append(route)

        self.page.route("**/api/**", keep)
        yield
        for route in waiting:
            route.continue_()
        self.page.unroute("**/api/**")

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Waits for what no selector tells. The page's own policy allows no code from outside to wait inside it."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError("what was waited for did not come")
            self.page.wait_for_timeout(POLL_MS)

    def wait_for_state(self, state: str) -> None:
        self.page.locator(f'body[data-state="{state}"]').wait_for(timeout=WAIT_MS)

    def wait_for_sound(self) -> None:
        self.page.locator('body[data-sound="ready"]').wait_for(timeout=WAIT_MS)

    def wait_for_hash(self, notes_hash: str) -> None:
        expect(self.page.locator("body")).to_have_attribute("data-notes-hash", notes_hash, timeout=WAIT_MS)

    def wait_for_plan(self, form: str) -> None:
        expect(self.page.locator("#plan")).to_have_value(form, timeout=WAIT_MS)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def cell(self, section: int, track: int) -> Locator:
        """A cell of the grid, both counted from 0."""
        return self.page.locator(f'[role="gridcell"][data-key="{section} {track}"]')

    def type_chords(self, bar: int, text: str) -> Locator:
        """Opens the editor at a bar (from 1) by keyboard and types; returns the field."""
        self.page.locator(".chord").nth(bar - 1).focus()
        self.page.keyboard.press("Enter")
        field = self.page.get_by_label(f"Chords from bar {bar}")
        field.wait_for()
        self.page.keyboard.type(text)
        return field

    def draw_takes(self, section: int, track: int) -> list[dict[str, Any]]:
        """Draws three takes of a section of a track by keyboard; returns their revisions."""
        self.cell(section, track).focus()
        self.page.keyboard.press("r")
        cards = self.page.locator(".card:not(.is-waiting)")
        expect(cards).to_have_count(4, timeout=WAIT_MS)
        self.page.locator('body:not([data-state="generating"])').wait_for()
        job = self.service.ask("GET", f"/api/jobs?song={self.song['id']}")["jobs"][0]
        return [self.service.ask("GET", f"/api/revisions/{take['revision']}.json") for take in job["takes"]]

    def choose_file(self, name: str, content: bytes, mime_type: str = "audio/midi") -> None:
        self.page.locator("#file").set_input_files({"name": name, "mimeType": mime_type, "buffer": content})


def notes_of(revision: dict[str, Any], track: int, bars: range | None = None) -> list[list[int]]:
    """The notes of a track (from 0) that begin in some bars (from 0), their onsets counted from the first of them."""
    bars = range(revision["num_bars"]) if bars is None else bars
    ticks = revision["ticks_per_bar"]
    notes = revision["tracks"][track]["notes"]
    return [[onset - bars.start * ticks, *rest] for onset, *rest in notes if onset // ticks in bars]


def music_of(revision: dict[str, Any]) -> dict[str, Any]:
    """What undo brings back: everything that is not about how and when the revision came to be."""
    about = {"id", "parent", "label", "created", "job", "take", "made_by"}
    return {name: value for name, value in revision.items() if name not in about}


def num_notes_of(revision: dict[str, Any]) -> int:
    return sum(len(track["notes"]) for track in revision["tracks"])
