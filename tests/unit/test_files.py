"""Files are whole or not there, and a bad place is refused before any work."""

from __future__ import annotations

import pytest

from phraseloom.errors import RequestError
from phraseloom.files import remove_parts, require_writable, written_beside


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "song.mid"
    with written_beside(path) as part:
        part.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failed_block_leaves_the_old_file(tmp_path, failure):
    path = tmp_path / "song.mid"
    path.write_bytes(b"old")

    def fail_halfway() -> None:
        with written_beside(path) as part:
            part.write_bytes(b"half")
            raise failure

    with pytest.raises(failure):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed(tmp_path):
    kept = [tmp_path / "song.mid", tmp_path / "mine.part", tmp_path / ".corpus.1.part"]
    for path in kept[:2]:
        path.write_bytes(b"whole")
    kept[2].mkdir()
    (tmp_path / ".song.mid.123.part").write_bytes(b"half")
    remove_parts(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_good_place_is_accepted(tmp_path):
    require_writable(tmp_path / "song.mid")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(RequestError, match="there is no folder"):
        require_writable(tmp_path / "missing" / "song.mid")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(RequestError, match="is a folder"):
        require_writable(tmp_path)
