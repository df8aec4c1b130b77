"""Stems and mix: equally long, adding up, never clipping."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from phraseloom.errors import RequestError
from phraseloom.score import Notes, Score, Track
from phraseloom.sound import stems as stems_module
from phraseloom.sound.loudness import CEILING
from phraseloom.sound.performance import Performance, perform_score
from phraseloom.sound.stems import Stems, render_mix, render_stems, require_stems_folder, stem_file_names, write_stems
from phraseloom.sound.synthesis import MAX_RING_OUT_SECONDS, num_frames_rendered
from phraseloom.sound.synthesisers import SAMPLE_RATE_HZ

MARIMBA = 12


def performance() -> Performance:
    """Two bars of 2 s each."""
    melody = Notes.from_rows([(12 * beat, 12, 72 + beat, 100) for beat in range(8)])
    chords = Notes.from_rows([(48 * bar, 48, pitch, 80) for bar in range(2) for pitch in (48, 52, 55)])
    tracks = (Track("Melody", melody, MARIMBA), Track("Silent", Notes.empty()), Track("Piano", chords))
    return perform_score(Score(tracks, 2))


@pytest.fixture(scope="module")
def stems() -> Stems:
    return render_stems(performance())


def test_stems_are_equally_long_and_add_up_to_the_mix(stems):
    assert stems.names == ("Melody", "Silent", "Piano")
    assert {audio.shape for audio in stems.sounds} == {stems.mix.shape}
    assert np.abs(sum(stems.sounds) - stems.mix).max() < 1e-6
    assert not stems.sounds[1].any()
    assert stems.sounds[0].any()
    assert stems.sounds[2].any()


def test_the_mix_alone_is_the_same(stems):
    assert np.array_equal(render_mix(performance()), stems.mix)


def test_it_ends_when_the_last_note_has_rung_out(stems):
    seconds = len(stems.mix) / SAMPLE_RATE_HZ
    assert 4.1 < seconds < 4.0 + MAX_RING_OUT_SECONDS
    loudest = np.abs(stems.mix).max()
    assert np.abs(stems.mix[-480:]).max() < 0.003 * loudest
    assert np.abs(stems.mix[round(3.6 * SAMPLE_RATE_HZ) :]).max() > 0.1 * loudest


def test_loud_stems_and_their_mix_are_turned_down_alike(monkeypatch):
    """Sounds of 0.8 and 1.2 full scale, made by hand: the mix of 2.0 sets the gain."""
    song = performance()
    shape = (num_frames_rendered(song), 2)

    def loud(*_arguments):
        yield from (np.full(shape, level, np.float32) for level in (0.8, 0.0, 1.2))

    monkeypatch.setattr(stems_module, "synthesise", loud)
    stems = render_stems(song)
    assert [audio.max() for audio in stems.sounds] == pytest.approx([0.4 * CEILING, 0.0, 0.6 * CEILING])
    assert stems.mix.max() == pytest.approx(CEILING)
    assert render_mix(song).max() == pytest.approx(CEILING)


def test_stems_are_written_by_number_and_name(stems, tmp_path):
    folder = tmp_path / "stems"
    paths = write_stems(stems, folder)
    assert sorted(folder.iterdir()) == paths
    assert [path.name for path in paths] == ["01 Melody.wav", "02 Silent.wav", "03 Piano.wav"]
    read = [soundfile.read(path, dtype="float32")[0] for path in paths]
    assert {len(audio) for audio in read} == {len(stems.mix)}
    assert np.abs(sum(read) - stems.mix).max() < 4 / 2**15


def test_names_that_file_systems_refuse_are_made_harmless():
    names = ["../../etc", "a/b:c", "", "  . ", "旋律", "x" * 300, "CON\n"]
    files = stem_file_names(names)
    assert files[:5] == ["01 _.._etc.wav", "02 a_b_c.wav", "03 Track.wav", "04 Track.wav", "05 旋律.wav"]
    assert len(files[5]) < 80
    assert files[6] == "07 CON_.wav"
    assert stem_file_names(["Piano"] * 100)[99] == "100 Piano.wav"


def test_a_folder_that_cannot_be_is_refused_at_once(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(RequestError, match="is a file"):
        require_stems_folder(file)
    with pytest.raises(RequestError, match="no folder"):
        require_stems_folder(tmp_path / "missing" / "stems")
    require_stems_folder(tmp_path)
    require_stems_folder(tmp_path / "new")
    assert list(tmp_path.iterdir()) == [file]
