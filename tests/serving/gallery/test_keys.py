import stat
from pathlib import Path

import pytest

from twinlens.errors import GalleryError, TwinlensError
from twinlens.serving.gallery import keys
from twinlens.serving.gallery.keys import Key, find_key, key_beside, key_to_come, next_key, read_key, write_key


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(keys.KEY, raising=False)
    monkeypatch.delenv(keys.KEY_FILE, raising=False)


def test_a_key_survives_being_written(tmp_path: Path) -> None:
    key = Key.new()
    write_key(tmp_path / "folder" / "key", key)
    assert read_key(tmp_path / "folder" / "key") == key
    assert stat.S_IMODE((tmp_path / "folder" / "key").stat().st_mode) == 0o600


def test_a_key_is_never_shown() -> None:
    key = Key(b"s" * 32)
    for shown in (repr(key), str(key), f"{key}"):
        assert key.text() not in shown
        assert "ssss" not in shown


def test_keys_differ() -> None:
    assert len({Key.new().secret for _ in range(100)}) == 100


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    first = Key.new()
    write_key(tmp_path / "key", first)
    with pytest.raises(GalleryError, match="never overwritten"):
        write_key(tmp_path / "key", Key.new())
    assert read_key(tmp_path / "key") == first


def test_a_key_is_whole_as_soon_as_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: int) -> None:
        assert not (tmp_path / "key").exists()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            write_key(tmp_path / "key", Key.new())
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_links_keeps_keys_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    key = Key.new()
    write_key(tmp_path / "key", key)
    with pytest.raises(GalleryError, match="never overwritten"):
        write_key(tmp_path / "key", Key.new())
    assert read_key(tmp_path / "key") == key
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("content", ["", "key", "a" * 44, Key(b"1" * 32).text()[:-4], "é" * 20, "\0" * 44, "=" * 44])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content, encoding="utf-8")
    with pytest.raises(GalleryError, match=r"key holds no key: a key is 32 bytes in base64"):
        read_key(tmp_path / "key")


def test_a_key_that_is_not_there_is_missed(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="cannot be read: No such file"):
        read_key(tmp_path / "key")
    with pytest.raises(TwinlensError, match="cannot be written"):
        write_key(Path("/dev/null/key"), Key.new())


def test_a_device_that_never_ends_is_no_key() -> None:
    with pytest.raises(GalleryError, match="holds no key"):
        read_key(Path("/dev/zero"))


def test_the_nearest_place_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, beside, named, given = tmp_path / "g.db", Key.new(), Key.new(), Key.new()
    assert find_key(gallery) is None
    assert find_key(None) is None
    write_key(key_beside(gallery), beside)
    assert find_key(gallery) == beside
    assert find_key(None) is None
    write_key(tmp_path / "named", named)
    monkeypatch.setenv(keys.KEY_FILE, str(tmp_path / "named"))
    assert find_key(gallery) == find_key(None) == named
    monkeypatch.setenv(keys.KEY, f" {given.text()}\n")
    assert find_key(gallery) == given


def test_a_file_that_is_named_and_missing_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = tmp_path / "g.db"
    write_key(key_beside(gallery), Key.new())
    monkeypatch.setenv(keys.KEY_FILE, str(tmp_path / "missing"))
    with pytest.raises(GalleryError, match="missing cannot be read"):
        find_key(gallery)
    monkeypatch.setenv(keys.KEY, "no key")
    with pytest.raises(GalleryError, match=r"\$TWINLENS_GALLERY_KEY holds no key"):
        find_key(gallery)


def test_the_next_key_stays_the_same_until_it_is_in_force(tmp_path: Path) -> None:
    gallery, old = tmp_path / "g.db", Key.new()
    write_key(key_beside(gallery), old)
    new = next_key(gallery)
    assert next_key(gallery) == new != old
    keys.put_in_force(gallery)
    assert read_key(key_beside(gallery)) == new
    assert not key_to_come(gallery).exists()
    keys.put_in_force(gallery)  # a second process that does the same
    assert read_key(key_beside(gallery)) == new
    assert next_key(gallery) != new


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Key(bytes(length))
