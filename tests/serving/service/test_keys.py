import hashlib
import json
import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from twinlens.errors import ServiceError
from twinlens.serving.service.keys import PREFIX, Keyring, Scope


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys.json")


def now() -> datetime:
    return datetime.now(UTC)


def test_a_key_is_found_and_no_other_is(ring: Keyring) -> None:
    key = ring.create("desk", [Scope.READ])
    found = ring.find(key, now())
    assert found is not None
    assert (found.name, found.scopes) == ("desk", (Scope.READ,))
    for wrong in ("", key[:-1], key + "A", key.swapcase(), found.digest, PREFIX):
        assert ring.find(wrong, now()) is None


def test_a_key_has_256_random_bits_and_only_its_hash_is_kept(ring: Keyring) -> None:
    key, other = ring.create("a", [Scope.READ]), ring.create("b", [Scope.READ])
    assert key != other
    assert len(key.removeprefix(PREFIX)) == 43  # 256 bits in base64
    content = ring.path.read_text()
    assert key not in content
    assert key.removeprefix(PREFIX) not in content
    assert hashlib.sha256(key.encode()).hexdigest() in content


def test_an_expired_key_lets_nobody_in(ring: Keyring) -> None:
    end = now() + timedelta(hours=1)
    key = ring.create("desk", [Scope.READ], end)
    assert ring.find(key, end - timedelta(seconds=1)) is not None
    assert ring.find(key, end) is None
    assert ring.listed()[0].state(end) == "expired"


def test_a_revoked_key_lets_nobody_in_and_stays_listed(ring: Keyring) -> None:
    key = ring.create("desk", [Scope.READ])
    ring.revoke("desk")
    assert ring.find(key, now()) is None
    assert [each.state(now()) for each in ring.listed()] == ["revoked"]


def test_what_another_process_changes_is_seen_at_once(ring: Keyring) -> None:
    elsewhere = Keyring(ring.path)
    assert ring.is_open()
    key = elsewhere.create("desk", [Scope.READ])
    assert not ring.is_open()
    assert ring.find(key, now()) is not None
    elsewhere.revoke("desk")
    assert ring.find(key, now()) is None


def test_neither_the_last_key_nor_a_lost_file_opens_the_service(ring: Keyring) -> None:
    ring.create("desk", [Scope.READ])
    ring.revoke("desk")
    assert not ring.is_open()
    ring.path.unlink()
    assert ring.find("anything", now()) is None
    assert not ring.is_open()


def test_names_are_given_once(ring: Keyring) -> None:
    ring.create("desk", [Scope.READ])
    ring.revoke("desk")
    with pytest.raises(ServiceError, match="'desk' already"):
        ring.create("desk", [Scope.READ])


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", "a" * 65, "a\n", "../a"])
def test_names_that_could_be_mistaken_are_refused(ring: Keyring, name: str) -> None:
    with pytest.raises(ServiceError, match="no name for a key"):
        ring.create(name, [Scope.READ])
    assert not ring.path.exists()


def test_a_key_that_allows_nothing_or_is_over_is_refused(ring: Keyring) -> None:
    with pytest.raises(ServiceError, match="scope"):
        ring.create("desk", [])
    with pytest.raises(ServiceError, match="over already"):
        ring.create("desk", [Scope.READ], now())


def test_revoking_what_is_not_there_says_what_is(ring: Keyring) -> None:
    with pytest.raises(ServiceError, match="There are: none"):
        ring.revoke("desk")
    ring.create("door", [Scope.READ])
    with pytest.raises(ServiceError, match="There are: door"):
        ring.revoke("desk")
    ring.revoke("door")
    with pytest.raises(ServiceError, match="was revoked on"):
        ring.revoke("door")


@pytest.mark.parametrize("content", ["", "{}x", '{"format": 2}', '{"keys": [{"name": "a"}]}', "[]"])
def test_a_file_that_is_none_of_keys_is_an_error_and_opens_nothing(ring: Keyring, content: str) -> None:
    ring.path.write_text(content)
    for ask in (ring.listed, ring.is_open, lambda: ring.find("x", now())):
        with pytest.raises(ServiceError, match="no file of keys"):
            ask()


def create(path: Path, name: str) -> None:
    Keyring(path).create(name, [Scope.ADMIN])


def test_keys_made_at_the_same_moment_are_all_kept(ring: Keyring) -> None:
    context = multiprocessing.get_context("fork")
    makers = [context.Process(target=create, args=(ring.path, f"key{i}")) for i in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert {key.name for key in ring.listed()} == {f"key{i}" for i in range(8)}
    assert json.loads(ring.path.read_text())["format"] == 1
