"""What holds for a gallery, with the secrets that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from twinlens.errors import GalleryError
from twinlens.serving.gallery.audit import ChainAuditor
from twinlens.serving.gallery.contract import Header
from twinlens.serving.gallery.keys import Key
from twinlens.serving.gallery.sealing import Seal, Secrets, derive_secrets, is_right

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Opened:
    """A header with the secrets that go with it.

    Attributes:
        header: What holds for the gallery.
        secrets: Derived from key and salt.
        seal: Seals templates.
        auditor: Makes entries of the log.
    """

    header: Header
    secrets: Secrets
    seal: Seal
    auditor: ChainAuditor

    @classmethod
    def of(cls, header: Header, key: Key, name: str) -> Opened:
        """Open a header.

        Raises:
            GalleryError: The key is not that of the gallery, or the gallery is of a newer format.
        """
        if header.format != FORMAT:
            raise GalleryError(
                f"The gallery {name} has format {header.format}, and this version knows format {FORMAT}.",
                "Use a newer version of twinlens.",
            )
        secrets = derive_secrets(key, header.salt)
        if not is_right(secrets, header.key_check):
            raise GalleryError(
                f"The key does not fit the gallery {name}.",
                "Give the key it was made with, or was given last by rekey: in $TWINLENS_GALLERY_KEY, in the file that "
                "$TWINLENS_GALLERY_KEY_FILE names, or with --key-file.",
            )
        return cls(header, secrets, Seal(secrets.sealing), ChainAuditor(secrets.audit))
