from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.errors import GalleryError
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.sealing import Seal, derive_secrets, is_right, new_salt

SECRET = bytes(range(32))


@given(content=st.binary(max_size=2000), bound=st.binary(max_size=100))
def test_what_was_sealed_opens(content: bytes, bound: bytes) -> None:
    sealed = Seal(SECRET).close(content, bound)
    assert len(sealed) == len(content) + 28
    assert Seal(SECRET).open(sealed, bound, "It") == content


@given(content=st.binary(min_size=1, max_size=200), bound=st.binary(max_size=20), data=st.data())
def test_a_changed_bit_anywhere_is_noticed(content: bytes, bound: bytes, data: st.DataObject) -> None:
    sealed = bytearray(Seal(SECRET).close(content, bound))
    position = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[position // 8] ^= 1 << position % 8
    with pytest.raises(GalleryError, match="It was changed from outside, or sealed under another key"):
        Seal(SECRET).open(bytes(sealed), bound, "It")


@given(content=st.binary(max_size=200), bound=st.binary(max_size=20), other=st.binary(max_size=20))
def test_it_opens_only_where_it_belongs(content: bytes, bound: bytes, other: bytes) -> None:
    sealed = Seal(SECRET).close(content, bound)
    if bound != other:
        with pytest.raises(GalleryError, match="changed"):
            Seal(SECRET).open(sealed, other, "It")


@given(content=st.binary(max_size=50), length=st.integers(0, 77))
def test_a_cut_off_seal_does_not_open(content: bytes, length: int) -> None:
    sealed = Seal(SECRET).close(content, b"")
    if length < len(sealed):
        with pytest.raises(GalleryError, match="changed"):
            Seal(SECRET).open(sealed[:length], b"", "It")


def test_another_secret_does_not_open_it() -> None:
    with pytest.raises(GalleryError, match="changed"):
        Seal(bytes(32)).open(Seal(SECRET).close(b"content", b""), b"", "It")


def test_sealing_twice_gives_two_seals_that_share_nothing() -> None:
    seal = Seal(SECRET)
    first, second = seal.close(bytes(1000), b""), seal.close(bytes(1000), b"")
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 30


def test_threads_may_share_a_seal() -> None:
    seal = Seal(SECRET)

    def round_trip(number: int) -> bool:
        content, bound = number.to_bytes(4, "big") * 500, str(number).encode()
        return all(seal.open(seal.close(content, bound), bound, "It") == content for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, range(32)))


def test_secrets_depend_on_key_and_salt_and_on_nothing_else() -> None:
    key, salt = Key(SECRET), "00" * 16
    first, again = derive_secrets(key, salt), derive_secrets(key, salt)
    others = [derive_secrets(key, "01" * 16), derive_secrets(Key(bytes(32)), salt)]
    parts = [(one.sealing, one.rotation, one.audit, one.check) for one in (first, again, *others)]
    assert parts[0] == parts[1]
    assert len({part for one in parts[1:] for part in one}) == 12


def test_secrets_are_those_of_rfc_5869() -> None:
    import hashlib
    import hmac

    salt = bytes.fromhex("0f" * 16)
    extracted = hmac.new(salt, SECRET, hashlib.sha256).digest()
    expected = hmac.new(extracted, b"twinlens gallery 1 sealing\x01", hashlib.sha256).digest()
    assert derive_secrets(Key(SECRET), salt.hex()).sealing == expected


def test_the_check_tells_right_from_wrong() -> None:
    salt = new_salt()
    secrets = derive_secrets(Key(SECRET), salt)
    assert is_right(derive_secrets(Key(SECRET), salt), secrets.check)
    assert not is_right(derive_secrets(Key(bytes(32)), salt), secrets.check)
    assert not is_right(derive_secrets(Key(SECRET), new_salt()), secrets.check)


def test_salts_differ() -> None:
    assert len({new_salt() for _ in range(100)}) == 100


def test_secrets_are_not_shown() -> None:
    secrets = derive_secrets(Key(SECRET), "00" * 16)
    assert secrets.check not in repr(secrets)
    assert "\\x" not in repr(secrets)
