"""Latents of a corpus: computed once, read back, and computed anew for other weights or a damaged file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phraseloom.corpus.song import CorpusSong
from phraseloom.phrase_codec import PhraseCodec
from phraseloom.training.latents import corpus_latents
from support.networks import tiny_codec
from support.songs import make_song

SONGS = [CorpusSong(f"song-{seed}", make_song(seed, form="A2"), "train") for seed in range(2)]


def latents_of(codec: PhraseCodec, path: Path, told: list[str] | None = None) -> dict[str, np.ndarray]:
    told = [] if told is None else told
    return corpus_latents(
        SONGS, "corpus", 3, codec, path, is_writer=True, progress=lambda doing, share: told.append(doing)
    )


def test_they_are_computed_once(tmp_path: Path) -> None:
    first, again = [], []
    computed = latents_of(tiny_codec(), tmp_path / "latents.safetensors", first)
    kept = latents_of(tiny_codec(), tmp_path / "latents.safetensors", again)
    assert first
    assert again == []
    assert computed.keys() == kept.keys() == {"song-0", "song-1"}
    for name in computed:
        assert computed[name].shape == (2, 3, 13)
        np.testing.assert_array_equal(computed[name], kept[name])


def test_other_weights_compute_their_own(tmp_path: Path) -> None:
    first = latents_of(tiny_codec(0), tmp_path / "latents.safetensors")
    other = latents_of(tiny_codec(1), tmp_path / "latents.safetensors")
    assert not np.allclose(first["song-0"], other["song-0"])


@pytest.mark.parametrize("damage", [b"", b"no safetensors"])
def test_a_damaged_file_is_computed_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "latents.safetensors"
    first = latents_of(tiny_codec(), path)
    path.write_bytes(damage)
    np.testing.assert_array_equal(latents_of(tiny_codec(), path)["song-1"], first["song-1"])
