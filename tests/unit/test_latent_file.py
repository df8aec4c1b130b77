"""Songs as latents on disk: they come back equal, and what is damaged or of another kind is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from phraseloom.errors import RequestError, UnreadableFileError
from phraseloom.latent_file import latent_song_bytes, read_latent_song, write_latent_song
from phraseloom.latent_songs import LatentSong, encode_song
from phraseloom.score import MeterChange, Notes, Score, TempoChange, Track
from support.networks import tiny_codec, write_tiny_weights
from support.songs import make_song

CODEC = tiny_codec()
SONG = encode_song(make_song(4, with_drums=True, form="i2 A4", title="Späte Stunde"), CODEC)[0]


def header_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["phraseloom"])


def rewrite(path: Path, header: object, arrays: dict[str, np.ndarray] | None = None) -> Path:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(arrays or {"latents": SONG.latents}, path, metadata={"phraseloom": text})
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "song.latents.safetensors"
    write_latent_song(SONG, path)
    return path


def assert_equal(song: LatentSong, other: LatentSong) -> None:
    np.testing.assert_array_equal(song.latents, other.latents)
    assert (song.frame, song.semitones, song.phrase_vae) == (other.frame, other.semitones, other.phrase_vae)


def test_it_comes_back_equal(path: Path):
    assert_equal(read_latent_song(path), SONG)
    assert not list(path.parent.glob(".*"))


def test_meters_tempos_and_an_unknown_key_come_back(tmp_path: Path):
    notes = Notes.from_rows([(0, 12, 60, 80)])
    meters, tempos = (MeterChange(0, 6, 8), MeterChange(1, 5, 4)), (TempoChange(0, 71.43), TempoChange(40, 120.0))
    score = Score((Track("", notes, 127), Track("Kit", notes, is_drum=True)), 3, meters, tempos)
    song, _ = encode_song(score, CODEC)
    write_latent_song(song, tmp_path / "song.safetensors")
    assert_equal(read_latent_song(tmp_path / "song.safetensors"), song)


def test_other_programs_find_the_array(path: Path):
    with safe_open(path, framework="pt") as file:
        assert torch.equal(file.get_tensor("latents"), torch.from_numpy(SONG.latents.copy()))


def change(*keys: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    def changed(header: dict[str, Any]) -> None:
        inner: Any = header
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to

    return changed


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        (change("format_version", to=2), "format_version"),
        (change("kind", to="phrase_vae"), "kind"),
        (change("semitones", to=10**30), "semitones"),
        (change("surprise", to=1), "surprise"),
        (change("song", "num_bars", to=10**15), "1000000000000000 bars"),
        (change("song", "tracks", to=[]), "0 tracks"),
        (change("song", "tracks", 0, "program", to=128), "program is 128"),
        (change("song", "tracks", 0, "name", to=None), "name"),
        (change("song", "meters", to=[]), "meters must start at 0"),
        (change("song", "meters", to=[[0, 4, 3]]), "no meter: 4/3"),
        (change("song", "meters", to=[[0, 9, 4]]), "bar 1 is in 9/4"),
        (change("song", "meters", to=[[0, 10**40, 4]]), "a bar of 1000"),
        (change("song", "tempos", to=[[0, 1e9]]), "tempo is"),
        (change("song", "tempos", to=[[0, 100.0], [10**9, 90.0]]), "tempos"),
        (change("song", "form", to="A400"), "section A"),
        (change("song", "form", to="A2"), "do not add up"),
        (change("song", "chords", to=[[0, 48, "H7"]]), "chord"),
        (change("song", "chords", to=[[-5, 48, "C"]]), "chords"),
        (change("song", "key", to="H major"), "key"),
    ],
)
def test_headers_that_describe_no_song_are_refused(path: Path, alter: Callable[[dict[str, Any]], None], told: str):
    header = header_of(path)
    alter(header)
    with pytest.raises(UnreadableFileError, match=str(path.name)) as refused:
        read_latent_song(rewrite(path, header))
    assert told in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kind": NaN}', "[" * 10_000])
def test_headers_that_are_none_are_refused(path: Path, text: str):
    with pytest.raises(UnreadableFileError):
        read_latent_song(rewrite(path, text))


@pytest.mark.parametrize(
    "latents",
    [
        np.full_like(SONG.latents, np.nan),
        np.full_like(SONG.latents, np.inf),
        np.full_like(SONG.latents, 1e20),
        SONG.latents[1:],
        SONG.latents[:, 1:],
        SONG.latents[..., :0],
        SONG.latents.reshape(-1),
        np.float32(0),
        SONG.latents.astype(np.float64),
        SONG.latents.astype(np.int8),
    ],
    ids=["NaN", "infinite", "far", "bars", "tracks", "empty", "flat", "scalar", "double", "int8"],
)
def test_bad_latents_are_refused(path: Path, latents: np.ndarray):
    with pytest.raises(UnreadableFileError, match=str(path.name)):
        read_latent_song(rewrite(path, header_of(path), {"latents": np.ascontiguousarray(latents)}))


def test_types_that_numpy_does_not_have_are_refused(path: Path):
    latents = torch.from_numpy(SONG.latents.copy()).to(torch.bfloat16)
    save_torch_file({"latents": latents}, path, metadata={"phraseloom": json.dumps(header_of(path))})
    with pytest.raises(UnreadableFileError, match="BF16, expected F32"):
        read_latent_song(path)


def test_no_bars_of_no_tracks_take_no_memory(path: Path):
    header = header_of(path)
    header["song"] |= {"num_bars": 10**12, "tracks": []}
    with pytest.raises(UnreadableFileError, match="0 tracks"):
        read_latent_song(rewrite(path, header, {"latents": np.zeros((10**12, 0, 8), np.float32)}))


def test_files_of_another_kind_are_refused(path: Path, tmp_path: Path):
    header = header_of(path)
    weights = write_tiny_weights(tmp_path / "weights") / "phrase_vae.safetensors"
    (tmp_path / "text.safetensors").write_text("no weights")
    save_file({"latents": SONG.latents}, tmp_path / "bare.safetensors")
    rewrite(tmp_path / "more.safetensors", header, {"latents": SONG.latents, "more": SONG.latents})
    names = ["text.safetensors", "bare.safetensors", "more.safetensors", "missing.safetensors", "."]
    for file in (weights, *(tmp_path / name for name in names)):
        with pytest.raises(UnreadableFileError):
            read_latent_song(file)


def test_it_is_not_written_where_there_is_no_folder(tmp_path: Path):
    with pytest.raises(RequestError, match="no folder"):
        write_latent_song(SONG, tmp_path / "nowhere" / "song.safetensors")


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_files_end_in_a_song_or_an_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    content = bytearray(latent_song_bytes(SONG))
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(UnreadableFileError):
        song = read_latent_song(path)
        assert song.latents.size > 0
        assert np.isfinite(song.latents).all()
