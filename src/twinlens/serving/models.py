"""Where a model is: one that comes with twinlens, a bundle's folder, or a run's."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from twinlens.bundle import MANIFEST, Bundle, read_bundle
from twinlens.errors import BundleError
from twinlens.runs import Run

DEFAULT = "lfw-identities"


def shipped_models() -> dict[str, Path]:
    """The bundles that come with twinlens, by name, sorted."""
    folder = Path(str(files("twinlens") / "bundles"))
    found = folder.iterdir() if folder.is_dir() else ()
    return {path.name: path for path in sorted(found) if (path / MANIFEST).is_file()}


def find_model(model: str | Path) -> Bundle:
    """The bundle that is meant, verified.

    Args:
        model: Name of a model that comes with twinlens, else the folder of a bundle or of a run. A folder that has the
            name of such a model is written ``./NAME``.

    Raises:
        BundleError: There is none, or it was changed.
    """
    shipped = shipped_models()
    if isinstance(model, str) and model in shipped:
        return read_bundle(shipped[model])
    folder = Path(model)
    if not folder.exists():
        known = f", or one of: {', '.join(shipped)}" if shipped else "; none comes with this version"
        raise BundleError(f"There is no model {str(model)!r}.", f"Give the folder of a run or of a bundle{known}.")
    return read_bundle(folder if (folder / MANIFEST).is_file() else Run(folder).bundle)
