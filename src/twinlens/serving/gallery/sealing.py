"""What a key is made into, and how something is sealed with that.

AES-GCM keeps what is sealed secret, and tells if a single bit of it was changed, or if it was moved to where it does
not belong.

References:
    M. Dworkin (2007), Recommendation for block cipher modes of operation: Galois/Counter Mode, NIST SP 800-38D.
    H. Krawczyk and P. Eronen (2010), HMAC-based extract-and-expand key derivation function (HKDF), RFC 5869.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from twinlens.errors import GalleryError
from twinlens.serving.gallery.keys import Key

_NONCE = 12
_SALT = 16


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What one key gives with the salt of one gallery. None of them tells anything of the key or of the others.

    Attributes:
        sealing: Seals templates; 32 bytes.
        rotation: Draws the rotation of embeddings; 32 bytes.
        audit: Authenticates the log of who did what; 32 bytes.
        check: Tells whether the key is the right one; 64 hex digits, no secret.
    """

    sealing: bytes
    rotation: bytes
    audit: bytes
    check: str


def derive_secrets(key: Key, salt: str) -> Secrets:
    """The secrets of the gallery with ``salt``, which is what :func:`new_salt` gave."""
    sealing, rotation, audit, check = (
        derived(key.secret, use, bytes.fromhex(salt)) for use in ("sealing", "rotation", "audit", "check")
    )
    return Secrets(sealing, rotation, audit, check.hex())


def is_right(secrets_: Secrets, check: str) -> bool:
    """Whether ``check`` was made with the same key and salt."""
    return hmac.compare_digest(secrets_.check, check)


def new_salt() -> str:
    """32 hex digits that no other gallery has."""
    return secrets.token_hex(_SALT)


def derived(secret: bytes, use: str, salt: bytes | None = None) -> bytes:
    """32 bytes that a secret gives for one use; nothing about another use can be told from them."""
    return HKDF(SHA256(), 32, salt, f"twinlens gallery 1 {use}".encode()).derive(secret)


class Seal:
    """Seals bytes and opens them again; several threads may share it.

    Args:
        secret: 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)

    def close(self, content: bytes, bound: bytes) -> bytes:
        """Seal ``content``, so that it opens with the same ``bound`` alone: 28 bytes more than it has."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, bound)

    def open(self, sealed: bytes, bound: bytes, name: str) -> bytes:
        """What was sealed.

        Args:
            sealed: What :meth:`close` gave.
            bound: As it was then.
            name: What an error calls it.

        Raises:
            GalleryError: One of the two was changed, or it was sealed with another secret.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)
        except (InvalidTag, ValueError) as error:
            raise GalleryError(
                f"{name} was changed from outside, or sealed under another key.", "Restore it from a backup."
            ) from error
