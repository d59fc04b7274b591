"""Published results of networks from elsewhere: where they come from, and what the protocols say of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from twinlens.bundle import CARD, read_bundle
from twinlens.errors import RunError
from twinlens.evaluation.figures import Evaluation, Folds
from twinlens.files import whole_folder, write_text
from twinlens.reporting.imported import ORIGIN, calibration_pairs
from twinlens.reporting.verdict import OUTSIDE_DATA

Form = TypeVar("Form", bound=BaseModel)

_VIEW1, _VIEW2 = "lfw-view1", "lfw-view2"


class Origin(BaseModel):
    """``imported.json``.

    Attributes:
        name: Of the bundle.
        fingerprint: Of the bundle.
        outside_data: What it has learned from, as its importer declares.
        calibrated_on: Which pairs threshold and calibration rest on.
        leaks: Whether it has learned from people on these.
        commit: Of the source that imported it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1] = 1
    name: str
    fingerprint: str
    outside_data: Literal["none", "label-free", "labelled"]
    calibrated_on: str
    leaks: bool
    commit: str


@dataclass(frozen=True)
class Imported:
    """A published network from elsewhere.

    Attributes:
        folder: Where it lies.
        origin: Where it comes from.
        view1: What the test pairs of LFW's View 1 say, if they were asked.
        view2: What the ten folds of View 2 say, if they were asked.
    """

    folder: Path
    origin: Origin
    view1: Evaluation | None
    view2: Folds | None

    @property
    def setting(self) -> str:
        """The rules in a few words."""
        leak = ", **calibration leaks**" if self.origin.leaks else ""
        return f"imported, {OUTSIDE_DATA[self.origin.outside_data]}{leak}"


def publish_imported(bundle: Path, to: Path) -> Path:
    """Copy what is known of a network from elsewhere to where published results are kept; no model, no photo.

    What ``evaluate BUNDLE --protocol`` wrote beside the bundle, into ``NAME-PROTOCOL``, becomes
    ``evaluation-PROTOCOL.json``.

    Args:
        bundle: The bundle's folder.
        to: The folder of all published results.

    Returns:
        The folder of this one, called after the bundle. What lay there is replaced.

    Raises:
        BundleError: There is no bundle, or it was changed.
        RunError: It comes from a training here, or has not been evaluated.
    """
    manifest = read_bundle(bundle).manifest
    if manifest.training.setting != "imported":
        raise RunError(f"{bundle} was trained here.", "Publish its run: twinlens results publish RUN.")
    beside = bundle.resolve().parent
    evaluations = {path.parent: path for path in sorted(beside.glob(f"{manifest.name}-*/evaluation.json"))}
    if not evaluations:
        raise RunError(
            f"There is no {beside / manifest.name}-PROTOCOL/evaluation.json.",
            f"Evaluate it there: twinlens evaluate {bundle} --protocol {_VIEW2}.",
        )
    origin = Origin(
        name=manifest.name,
        fingerprint=manifest.fingerprint,
        outside_data=manifest.training.outside_data,
        calibrated_on=calibration_pairs(manifest),
        leaks=manifest.training.leaks,
        commit=manifest.training.commit,
    )
    with whole_folder(to / manifest.name, replace=True) as temporary:
        write_text(temporary / ORIGIN, origin.model_dump_json(indent=1) + "\n")
        shutil.copyfile(bundle / CARD, temporary / CARD)
        for folder, path in evaluations.items():
            protocol = folder.name.removeprefix(f"{manifest.name}-")
            shutil.copyfile(path, temporary / f"evaluation-{protocol}.json")
            if protocol == _VIEW1:
                shutil.copyfile(folder / "scores-test.csv", temporary / "scores-test.csv")
    return to / manifest.name


def read_imported(folder: Path) -> list[Imported]:
    """The networks from elsewhere among all published results, sorted.

    Raises:
        RunError: A file does not hold what it must.
    """
    return [
        Imported(
            folder=path.parent,
            origin=_read(path, Origin),
            view1=_found(path.parent / f"evaluation-{_VIEW1}.json", Evaluation),
            view2=_found(path.parent / f"evaluation-{_VIEW2}.json", Folds),
        )
        for path in sorted(folder.glob(f"*/{ORIGIN}"))
    ]


def _found(path: Path, form: type[Form]) -> Form | None:
    return _read(path, form) if path.is_file() else None


def _read(path: Path, form: type[Form]) -> Form:
    try:
        return form.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(
            f"{path} does not hold what it must: {error.errors()[0]['msg']}.", "Publish the bundle again."
        ) from error
