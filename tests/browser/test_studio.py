"""What the page must show in a browser, against the real service with a tiny model: eighteen numbered checks."""

from __future__ import annotations

import io
import json
import random
import re
import time
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Route, expect

from browser.service import Service
from browser.studio_page import WAIT_MS, StudioPage, music_of, notes_of, num_notes_of
from phraseloom.midi import midi_bytes, read_midi
from phraseloom.score import Score
from support.songs import make_song

pytestmark = pytest.mark.xdist_group("browser")  # all in one worker: they share a service and a browser

MELODY, BRIDGE, DRUMS = range(3)
"""The tiny model's tracks."""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def test_01_no_request_leaves_for_another_origin(context: BrowserContext, studio: StudioPage, service: Service) -> None:
    others: list[str] = []

    def watch(route: Route) -> None:
        if route.request.url.startswith((service.address, "blob:", "data:")):
            route.continue_()
        else:
            others.append(route.request.url)
            route.abort()

    context.route("**/*", watch)
    service.ask("POST", "/api/songs", {})
    studio.open()
    expect(studio.button("Weave a song")).to_be_visible()
    studio.wait_for_state("empty")
    assert others == []
    assert studio.console_errors == []


def test_02_one_click_weaves_the_bars_of_the_form(studio: StudioPage, service: Service) -> None:
    service.ask("POST", "/api/songs", {"form": "i2 A4 B4", "seed": 3})
    studio.open()
    studio.button("Weave a song").click()
    studio.wait_for_state("done")
    expect(studio.page.locator("#status")).to_contain_text("Done")
    assert studio.revision["num_bars"] == 10
    assert all(track["cells"] == "#" * 10 for track in studio.revision["tracks"])
    assert studio.shown_hash == studio.revision["notes_hash"]


def test_03_space_plays_types_or_toggles(studio: StudioPage, service: Service) -> None:
    service.woven_song()
    studio.open()
    studio.wait_for_sound()
    studio.cell(0, MELODY).focus()
    studio.page.keyboard.press("Space")
    studio.wait_until(lambda: studio.tick > 4)
    studio.page.keyboard.press("Space")
    expect(studio.button("Play")).to_be_visible()
    stopped_tick = studio.tick
    field = studio.type_chords(3, "C Am")
    expect(field).to_have_value("C Am")
    studio.page.keyboard.press("Escape")
    studio.page.locator('[data-key="name 0"]').focus()
    studio.page.keyboard.press("Tab")
    mute = studio.button("Mute Melody")
    expect(mute).to_be_focused()
    studio.page.keyboard.press("Space")
    expect(mute).to_have_attribute("aria-pressed", "true")
    assert studio.tick == stopped_tick


def test_04_the_analyser_reads_sound_unless_all_is_muted(studio: StudioPage, service: Service) -> None:
    service.woven_song()
    studio.open()
    studio.wait_for_sound()
    studio.button("Loop").click()
    studio.button("Play").click()
    studio.wait_until(lambda: studio.level > 0.001)
    for track in ("Melody", "Bridge", "Drums"):
        studio.button(f"Mute {track}").click()
    studio.page.wait_for_timeout(500)
    tick = studio.tick
    levels = [studio.level for _ in range(5)]
    studio.wait_until(lambda: studio.tick != tick)
    assert max(levels) < 1e-4


def test_05_dragging_an_edge_adds_empty_bars_and_the_keyboard_does_the_same(
    studio: StudioPage, service: Service
) -> None:
    song = service.woven_song(form="i2 A8 B4")
    before = song["revision"]
    studio.open()
    chip = studio.chips.nth(1)
    box = chip.bounding_box()
    assert box is not None
    bar_px = (box["width"] + 2) / 8
    edge_x, y = box["x"] + box["width"] - 4, box["y"] + box["height"] / 2
    studio.page.mouse.move(edge_x, y)
    studio.page.mouse.down()
    studio.page.mouse.move(edge_x + 2 * bar_px, y, steps=4)
    studio.page.mouse.move(edge_x + 4 * bar_px, y, steps=4)
    studio.page.mouse.up()
    studio.wait_for_plan("i2 A12 B4")
    dragged = studio.revision
    studio.button("Undo").click()
    studio.wait_for_plan("i2 A8 B4")
    studio.chips.nth(1).focus()
    for _ in range(4):
        studio.page.keyboard.press("Shift+ArrowRight")
    studio.wait_for_plan("i2 A12 B4")
    assert music_of(studio.revision) == music_of(dragged)
    for track in (MELODY, BRIDGE, DRUMS):
        assert notes_of(dragged, track, range(10)) == notes_of(before, track, range(10))
        assert notes_of(dragged, track, range(14, 18)) == notes_of(before, track, range(10, 14))
        assert dragged["tracks"][track]["cells"] == "#" * 10 + "." * 4 + "#" * 4


def test_05_keys_count_whatever_happens_between_them(studio: StudioPage, service: Service) -> None:
    service.woven_song(form="i2 A8 B4")
    studio.open()
    studio.chips.nth(1).focus()
    lengthen = "Shift+ArrowRight"
    studio.page.keyboard.press(lengthen)
    studio.page.emulate_media(color_scheme="dark")  # draws the chips anew
    studio.page.keyboard.press(lengthen)
    studio.wait_for_plan("i2 A10 B4")
    studio.page.keyboard.press("Control+z")
    studio.wait_for_plan("i2 A8 B4")  # the keys were one change
    with studio.slow_service():
        studio.page.keyboard.press(lengthen)
        studio.page.wait_for_timeout(700)  # the first change is under way
        studio.page.keyboard.press(lengthen)
    studio.wait_for_plan("i2 A10 B4")


def test_06_chords_and_names_go_to_every_section_of_the_letter(studio: StudioPage, service: Service) -> None:
    service.ask("POST", "/api/songs", {"form": "A8 B4 A8"})
    studio.open()
    studio.type_chords(1, "C Am F G")
    studio.page.keyboard.press("Enter")
    expect(studio.page.locator(".chord").nth(12)).to_have_text("C")
    verses = [section for section in studio.revision["sections"] if section["letter"] == "A"]
    assert [section["chords"] for section in verses] == [["C", "Am", "F", "G"] * 2] * 2
    studio.chips.first.focus()
    studio.page.keyboard.press("F2")
    studio.page.keyboard.type("Pre-chorus")
    studio.page.keyboard.press("Enter")
    expect(studio.chips.nth(2)).to_contain_text("Pre-chorus")
    assert [section["letter"] for section in studio.revision["sections"]] == ["A", "B", "A"]
    field = studio.type_chords(1, "Dm Xyz Em")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(studio.page.locator(".marks .is-bad")).to_have_text("Xyz")
    studio.page.keyboard.press("Enter")
    expect(studio.page.locator(".chord").nth(2)).to_have_text("Em")
    assert studio.revision["sections"][0]["chords"][:3] == ["Dm", "Am", "Em"]


def test_07_takes_leave_everything_outside_the_region_as_it_was(studio: StudioPage, service: Service) -> None:
    service.woven_song()
    studio.open()
    studio.button("Lock Melody").click()
    expect(studio.button("Lock Melody")).to_have_attribute("aria-pressed", "true")
    before = studio.revision
    takes = studio.draw_takes(1, BRIDGE)
    assert len(takes) == 3
    for take in takes:
        assert notes_of(take, MELODY) == notes_of(before, MELODY)
        assert notes_of(take, DRUMS) == notes_of(before, DRUMS)
        for bars in (range(2), range(6, 14)):
            assert notes_of(take, BRIDGE, bars) == notes_of(before, BRIDGE, bars)
    assert len({take["notes_hash"] for take in takes}) > 1


def test_08_takes_switch_at_the_playhead(studio: StudioPage, service: Service) -> None:
    service.woven_song()
    studio.open()
    studio.wait_for_sound()
    original = studio.revision["notes_hash"]
    takes = studio.draw_takes(1, BRIDGE)
    hashes = [original, *(take["notes_hash"] for take in takes)]
    studio.page.keyboard.press("Space")
    studio.button("Pause").wait_for()
    loop_ticks, ticks_per_second = 5 * 48, 24  # at 120 bpm
    for key in ("1", "2", "3", "0", "2"):
        tick_before, started = studio.tick, time.monotonic()
        studio.page.keyboard.press(key)
        studio.wait_for_hash(hashes[int(key)])
        studio.wait_for_sound()
        moved = (studio.tick - tick_before) % loop_ticks
        played = (time.monotonic() - started) * ticks_per_second
        assert moved < played + ticks_per_second / 2, f"the playhead jumped by {moved - played} ticks"
    num_steps = len(studio.song["undo"])
    studio.page.keyboard.press("Enter")
    expect(studio.page.locator(".card")).to_have_count(0)
    assert len(studio.song["undo"]) == num_steps + 1
    assert studio.revision["notes_hash"] == hashes[2]
    others = studio.draw_takes(2, BRIDGE)
    studio.page.keyboard.press("1")
    studio.wait_for_hash(others[0]["notes_hash"])
    studio.page.keyboard.press("Escape")
    studio.wait_for_hash(hashes[2])
    assert studio.revision["notes_hash"] == hashes[2]


def test_09_near_takes_change_fewer_notes_than_far_ones(context: BrowserContext, trained_service: Service) -> None:
    """With the weights in the package: a decoder that has learnt nothing does not even write what was encoded."""
    song = trained_service.woven_song()
    studio = StudioPage(context.new_page(), trained_service).open()

    def share_changed(distance: float) -> float:
        """The share of the song's and the takes' notes that differ, in the mean over ten seeds."""
        cells = [{"first_bar": 3, "last_bar": 10}]
        request = {"song": song["id"], "operation": "vary", "cells": cells, "distance": distance, "keep": False}
        jobs = [trained_service.run_job(**request, seed=seed, count=5, steps=8) for seed in (0, 5)]
        takes = [take["revision"] for job in jobs for take in job["takes"]]
        assert len(takes) == 10
        shares = []
        for take in takes:
            found = trained_service.ask("GET", f"/api/revisions/{take}/difference?from={song['head']}")
            there = num_notes_of(trained_service.ask("GET", f"/api/revisions/{take}.json"))
            shares.append((found["added"] + found["removed"]) / (there + num_notes_of(song["revision"])))
        return sum(shares) / len(shares)

    studio.cell(1, BRIDGE).focus()
    studio.page.get_by_label("How far new takes may go").fill("0.05")
    with studio.page.expect_request(lambda request: request.method == "POST" and "/api/jobs" in request.url) as asked:
        studio.button("New takes").click()
    request = asked.value.post_data_json
    assert (request["operation"], request["distance"]) == ("vary", 0.05)
    near, far = share_changed(0.05), share_changed(1.0)
    assert near < far


def test_10_extending_leaves_the_old_bars_as_they_were(studio: StudioPage, service: Service) -> None:
    before = service.woven_song(form="A4 B4")["revision"]
    studio.open()
    studio.button("Extend the song").focus()
    studio.page.keyboard.press("Enter")
    studio.page.get_by_label("Bars", exact=True).fill("8")
    studio.button("Weave them").click()
    studio.wait_for_plan("A4 B4 C8")
    after = studio.revision
    assert after["num_bars"] == 16
    for track in (MELODY, BRIDGE, DRUMS):
        assert notes_of(after, track, range(8)) == notes_of(before, track)
    assert all(track["cells"] == "#" * 16 for track in after["tracks"])


def test_11_a_melody_is_arranged_and_a_picture_refused(studio: StudioPage, service: Service) -> None:
    service.ask("POST", "/api/songs", {"form": "A4"})
    melody = make_song(5, num_tracks=1, form="A4 B4", title="Tune")
    studio.open()
    studio.choose_file("tune.mid", midi_bytes(melody))
    studio.page.get_by_role("heading", name="Tune").wait_for()
    studio.button("Weave the rest").click()
    expect(studio.page.locator("#status")).to_contain_text("Done", timeout=WAIT_MS)
    arranged = studio.revision
    assert arranged["tracks"][MELODY]["notes"] == melody.tracks[0].notes.table.tolist()
    assert arranged["tracks"][MELODY]["locked"] == "1" * 8
    assert arranged["tracks"][BRIDGE]["cells"] == "#" * 8
    studio.choose_file("picture.mid", PNG)
    problem = studio.page.get_by_role("alert").filter(has_text="did not work")
    expect(problem).to_contain_text("MIDI")
    assert studio.revision == arranged


def test_12_the_difference_told_is_the_services(studio: StudioPage, service: Service) -> None:
    song = service.woven_song()
    first = song["revision"]
    service.run_job(song=song["id"], operation="infill", cells=[{"first_bar": 3, "last_bar": 6}], seed=1)
    studio.open()
    second = studio.revision
    studio.button("History").click()
    studio.page.locator(f'[data-revision="{first["id"]}"]').get_by_role("button", name="Compare").click()
    found = service.ask("GET", f"/api/revisions/{second['id']}/difference?from={first['id']}")
    expect(studio.page.locator("#difference")).to_have_text(f"{found['added']} added, {found['removed']} removed")
    studio.cell(0, MELODY).focus()
    studio.page.keyboard.press("x")
    studio.wait_for_hash(first["notes_hash"])
    studio.page.keyboard.press("x")
    studio.wait_for_hash(second["notes_hash"])


def test_13_ten_gestures_are_undone_and_redone_after_a_reload(studio: StudioPage, service: Service) -> None:
    service.woven_song(form="i2 A4 B4")
    studio.open()
    initial = music_of(studio.revision)
    rng = random.Random(20)
    for _ in range(10):
        num_steps = len(studio.song["undo"])
        rng.choice(GESTURES)(studio, rng)
        wait_for_steps(studio, num_steps + 1)
    final = music_of(studio.revision)
    studio.reload()
    for steps_left in range(9, -1, -1):
        studio.page.keyboard.press("Control+z")
        wait_for_steps(studio, steps_left + 1)  # the weaving itself is a step too
    assert music_of(studio.revision) == initial
    for num_steps in range(2, 12):
        studio.page.keyboard.press("Control+Shift+Z")
        wait_for_steps(studio, num_steps)
    assert music_of(studio.revision) == final


def wait_for_steps(studio: StudioPage, num_steps: int) -> None:
    """Waits until the song has so many steps to undo, and the page shows it."""
    for _ in range(WAIT_MS // 100):
        song = studio.song
        if len(song["undo"]) == num_steps:
            studio.wait_for_plan(song["revision"]["form"])
            return
        studio.page.wait_for_timeout(100)
    raise AssertionError(f"{len(studio.song['undo'])} steps to undo, expected {num_steps}")


def _lengthen(studio: StudioPage, rng: random.Random) -> None:
    studio.chips.nth(rng.randrange(studio.chips.count())).focus()
    studio.page.keyboard.press("Shift+ArrowRight")


def _duplicate(studio: StudioPage, rng: random.Random) -> None:
    studio.chips.nth(rng.randrange(studio.chips.count())).focus()
    studio.page.keyboard.press("Control+d")


def _move(studio: StudioPage, _: random.Random) -> None:
    studio.chips.first.focus()
    studio.page.keyboard.press("Alt+ArrowRight")


def _lock(studio: StudioPage, rng: random.Random) -> None:
    studio.cell(rng.randrange(studio.chips.count()), rng.randrange(3)).click()
    studio.page.keyboard.press("l")


def _chords(studio: StudioPage, rng: random.Random) -> None:
    studio.type_chords(1, " ".join(rng.sample(("Dm7", "E", "F#m", "G7", "Bb", "C/E"), 3)))
    studio.page.keyboard.press("Enter")


def _rename(studio: StudioPage, rng: random.Random) -> None:
    studio.chips.first.focus()
    studio.page.keyboard.press("F2")
    studio.page.keyboard.type(f"Part {rng.random():.6f}")
    studio.page.keyboard.press("Enter")


def _tempo(studio: StudioPage, rng: random.Random) -> None:
    studio.page.get_by_label("Tempo").fill(f"{rng.uniform(60, 140):.2f}")
    studio.page.keyboard.press("Tab")


GESTURES: tuple[Callable[[StudioPage, random.Random], None], ...] = (
    _lengthen,
    _duplicate,
    _move,
    _lock,
    _chords,
    _rename,
    _tempo,
)


def test_14_a_killed_service_leaves_a_page_that_plays(context: BrowserContext, mortal_service: Service) -> None:
    song = mortal_service.woven_song()
    studio = StudioPage(context.new_page(), mortal_service).open()
    studio.wait_for_sound()
    studio.button("Loop").click()
    before = music_of(studio.revision)
    studio.page.wait_for_timeout(1500)  # what is put at hand is put there while nothing happens
    long_job = {"song": song["id"], "operation": "generate", "steps": 1000, "seed": 1, "count": 8}
    mortal_service.ask("POST", "/api/jobs", long_job)
    studio.wait_for_state("generating")
    # The page says so of a job that waits, too, and that one would not be lost.
    studio.wait_until(lambda: mortal_service.ask("GET", "/api/jobs")["jobs"][0]["state"] == "running")
    mortal_service.kill()
    studio.wait_for_state("offline")
    expect(studio.page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    expect(studio.page.locator("#weave")).to_be_disabled()
    studio.cell(0, MELODY).focus()
    studio.page.keyboard.press("Space")
    studio.wait_until(lambda: studio.level > 0.001)
    studio.page.keyboard.press("Space")
    studio.button("Export").click()
    with studio.page.expect_download() as download:
        studio.page.locator('#export-panel a[data-kind="mid"]').click()
    assert Path(download.value.path()).read_bytes().startswith(b"MThd")
    mortal_service.start()
    studio.page.locator('body:not([data-state="offline"])').wait_for(timeout=WAIT_MS)
    assert music_of(studio.revision) == before
    assert mortal_service.ask("GET", "/api/jobs")["jobs"][0]["state"] == "lost"
    studio.button("Retry").click()
    studio.wait_for_state("generating")
    studio.button("Cancel").click()
    studio.wait_for_state("done")
    assert mortal_service.ask("GET", "/api/jobs")["jobs"][0]["state"] == "cancelled"
    assert mortal_service.run_job(song=song["id"], operation="generate", seed=2)["state"] == "done"


def test_15_exports_parse(studio: StudioPage, service: Service) -> None:
    service.woven_song(key="G major")
    studio.open()
    revision = studio.revision
    files = {kind: exported(studio, kind) for kind in ("mid", "zip", "wav", "ogg", "png")}
    check_midi(files["mid"], revision)
    with zipfile.ZipFile(io.BytesIO(files["zip"])) as stems:
        names = stems.namelist()
        assert {"song.mid", "recipe.json"} <= set(names)
        json.loads(stems.read("recipe.json"))
        lengths = {stem_frames(stems.read(name)) for name in names if name.endswith(".wav")}
    assert len(lengths) == 1
    for kind in ("wav", "ogg"):
        with soundfile.SoundFile(io.BytesIO(files[kind])) as sound:
            seconds = sound.frames / sound.samplerate
        assert revision["duration_seconds"] <= seconds < revision["duration_seconds"] + 10
    assert files["png"].startswith(b"\x89PNG")


def exported(studio: StudioPage, kind: str) -> bytes:
    """What the page saves as a file."""
    studio.button("Export").click()
    with studio.page.expect_download(timeout=2 * WAIT_MS) as download:
        studio.page.locator(f'#export-panel a[data-kind="{kind}"]').click()
    return Path(download.value.path()).read_bytes()


def stem_frames(content: bytes) -> int:
    with wave.open(io.BytesIO(content)) as stem:
        return stem.getnframes()


def check_midi(content: bytes, revision: dict[str, Any]) -> None:
    score: Score = read_midi(content)
    assert " ".join(map(str, score.sections)) == revision["form"]
    assert str(score.key) == revision["key"]
    assert score.tempo_bpm == pytest.approx(revision["tempo_bpm"], abs=0.01)
    texts, channels = markers_and_channels(content)
    assert [text.split("(")[-1].rstrip(")") for text in texts[:-1]] == [s["letter"] for s in revision["sections"]]
    assert texts[-1] == "End"
    assert len(channels) == len(set(channels)) == sum(bool(track["notes"]) for track in revision["tracks"])


def markers_and_channels(content: bytes) -> tuple[list[str], list[int]]:
    """The markers of a file, and the channel of every track with notes, by a library that is not ours."""
    song = mido.MidiFile(file=io.BytesIO(content))
    markers = [message.text for track in song.tracks for message in track if message.type == "marker"]
    channels = [{message.channel for message in track if message.type == "note_on"} for track in song.tracks]
    return markers, [channel for of_track in channels for channel in of_track]


def test_16_a_seed_gives_its_song_and_an_export_brings_it_back(studio: StudioPage, service: Service) -> None:
    plan: dict[str, Any] = {"key": "D major", "chords": "A: D Bm G A", "density": "A: all 5"}
    first, second = service.woven_song(**plan), service.woven_song(**plan)
    assert first["revision"]["notes_hash"] == second["revision"]["notes_hash"]
    studio.open()
    studio.button("Lock Bridge").click()
    expect(studio.button("Lock Bridge")).to_have_attribute("aria-pressed", "true")
    before = studio.song
    content = exported(studio, "mid")
    studio.choose_file("again.mid", content)
    with studio.page.expect_response(
        lambda response: response.request.method == "POST" and response.url.endswith("/api/songs")
    ):
        studio.button("Restore it").click()
    expect(studio.button("Lock Bridge")).to_have_attribute("aria-pressed", "true")
    after = studio.song
    assert after["id"] != before["id"]
    for name in ("form", "key", "tempo_bpm", "seed", "repeat", "density", "notes_hash"):
        assert after["revision"][name] == before["revision"][name], name
    for old, new in zip(before["revision"]["tracks"], after["revision"]["tracks"], strict=True):
        assert (new["locked"], new["cells"], new["notes"]) == (old["locked"], old["cells"], old["notes"])
    assert after["revision"]["sections"][1]["chords"] == before["revision"]["sections"][1]["chords"]


def test_16_how_full_it_is_can_be_typed(studio: StudioPage, service: Service) -> None:
    service.ask("POST", "/api/songs", {"form": "i2 A4 B4"})
    studio.open()
    field = studio.page.get_by_label("Notes a bar", exact=True)
    field.fill("Q: all 3")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert studio.revision["density"] is None
    field.fill("A: melody 5; B: all 12")
    field.press("Enter")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    studio.wait_until(lambda: studio.revision["density"] == "A: melody 5; B: all 12")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_17_axe_finds_nothing_serious(studio: StudioPage, service: Service, scheme: str) -> None:
    service.ask("POST", "/api/songs", {"form": "i2 A4 B4"})
    studio.page.emulate_media(color_scheme=scheme)
    studio.open()
    check_accessibility(studio, "empty")
    service.woven_song(form="i2 A4 B4")
    studio.reload()
    studio.page.locator("#originality").wait_for()
    studio.chips.nth(1).focus()
    check_accessibility(studio, "a section chosen")
    studio.draw_takes(1, BRIDGE)
    check_accessibility(studio, "takes")
    studio.page.keyboard.press("Escape")
    studio.type_chords(1, "C Xyz")
    check_accessibility(studio, "typing chords")
    studio.page.keyboard.press("Escape")
    studio.button("History").click()
    studio.page.locator(".revision").first.wait_for()
    check_accessibility(studio, "history")
    studio.button("Help and keys").click()
    check_accessibility(studio, "help")


def check_accessibility(studio: StudioPage, state: str) -> None:
    results = Axe().run(studio.page)
    serious = [
        violation for violation in results.response["violations"] if violation["impact"] in ("serious", "critical")
    ]
    found = [(violation["id"], [node["html"] for node in violation["nodes"]][:3]) for violation in serious]
    assert found == [], state


def test_17_a_song_is_made_by_keyboard_alone(studio: StudioPage, service: Service) -> None:
    service.ask("POST", "/api/songs", {"form": "A4 B4 A4", "seed": 5})
    studio.open()
    press = studio.page.keyboard.press
    press("Control+Enter")  # check 2
    studio.wait_for_state("done")
    tab_to(studio, ".chip")
    press("Shift+ArrowRight")  # check 5
    studio.wait_for_plan("A5 B4 A4")
    press("F2")  # check 6
    studio.page.keyboard.type("Pre-chorus")
    press("Enter")
    expect(studio.chips.nth(2)).to_contain_text("Pre-chorus")
    tab_to(studio, ".chord")
    press("Enter")
    studio.page.keyboard.type("C Am F G")
    press("Enter")
    expect(studio.page.locator(".chord").nth(1)).to_have_text("Am")
    tab_to(studio, '[role="gridcell"]')
    press("l")  # check 7: the melody of the first section
    told = re.compile("Pre-chorus A, bars 1-5, melody, .*, locked")
    expect(studio.cell(0, MELODY)).to_have_attribute("aria-label", told)
    assert [track["locked"] for track in studio.revision["tracks"]] == ["1" * 5 + "0" * 8, "0" * 13, "0" * 13]
    press("ArrowDown")
    press("r")
    expect(studio.page.locator(".card:not(.is-waiting)")).to_have_count(4, timeout=WAIT_MS)
    original = studio.shown_hash
    press("1")  # check 8
    studio.wait_until(lambda: studio.shown_hash != original)
    press("Enter")
    expect(studio.page.locator(".card")).to_have_count(0)
    tab_to(studio, "#export", backwards=True)
    press("Enter")  # check 15
    with studio.page.expect_download() as download:
        press("Enter")
    check_midi(Path(download.value.path()).read_bytes(), studio.revision)


def tab_to(studio: StudioPage, selector: str, *, backwards: bool = False) -> None:
    """Presses Tab until something that fits has the focus."""
    for _ in range(120):
        if studio.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        studio.page.keyboard.press("Shift+Tab" if backwards else "Tab")
    raise AssertionError(f"Tab does not reach {selector}")


def test_18_the_report_says_what_was_asked_and_got(studio: StudioPage, service: Service) -> None:
    service.woven_song(key="G major", chords="A: G Em C D")
    studio.open()
    studio.page.locator("#originality").wait_for()
    report = service.ask("GET", f"/api/revisions/{studio.revision['id']}/report")
    rows = studio.page.locator("#report tbody tr")
    assert rows.count() == len(report["rows"])
    names = {row["name"] for row in report["rows"]}
    assert {"bars", "form", "key", "tempo_bpm", "chords"} <= names
    for name in names:
        texts = studio.page.locator(f'#report tr[data-row="{name}"] > *').all_inner_texts()
        assert len(texts) == 3
        assert all(texts)
    found = report["originality"]
    shown = studio.page.locator("#originality")
    match = f"{found['longest_match_notes']} notes of the melody" if found["longest_match_notes"] else "none"
    expect(shown).to_contain_text(f"Longest match to the training music: {match}")
    expect(shown).to_contain_text(f"95 of 100 up to {found['usual_95th_percentile_notes']:g}")
