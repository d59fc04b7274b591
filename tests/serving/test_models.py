from pathlib import Path

import pytest

from tests.serving.made import small_bundle
from twinlens.bundle import MODEL, read_bundle
from twinlens.errors import BundleError
from twinlens.serving import models
from twinlens.serving.models import DEFAULT, find_model, shipped_models


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that comes with two models, and something that is none."""
    package = tmp_path / "package"
    small_bundle(package / "bundles" / "quick")
    small_bundle(package / "bundles" / DEFAULT)
    (package / "bundles" / "notes").mkdir()
    monkeypatch.setattr(models, "files", lambda name: package)
    return package / "bundles"


def test_models_that_come_along_are_found_by_name(shipped: Path) -> None:
    assert list(shipped_models()) == [DEFAULT, "quick"]
    assert find_model("quick") == read_bundle(shipped / "quick")


def test_bundles_and_runs_are_found_by_folder(shipped: Path, tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "run" / "bundle")
    assert find_model(tmp_path / "run") == find_model(str(tmp_path / "run/bundle")) == bundle


def test_a_name_means_what_comes_along_and_a_path_the_folder(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = small_bundle(Path("quick"), threshold=0.5)
    assert find_model("quick").folder == shipped / "quick"
    assert find_model("./quick") == find_model(Path("quick")) == here


def test_an_unknown_name_lists_the_known(shipped: Path) -> None:
    with pytest.raises(BundleError, match=rf"no model 'quik'.*one of: {DEFAULT}, quick"):
        find_model("quik")
    (shipped / "notes").rmdir()


def test_without_any_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "files", lambda name: tmp_path)
    assert shipped_models() == {}
    with pytest.raises(BundleError, match="none comes with this version"):
        find_model(DEFAULT)


def test_a_folder_that_is_no_model_and_a_changed_one_are_refused(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no bundle"):
        find_model(tmp_path)
    (shipped / "quick" / MODEL).write_bytes(b"changed")
    with pytest.raises(BundleError, match="is not the model its manifest describes"):
        find_model("quick")


def test_what_the_package_itself_comes_with_is_whole() -> None:
    for name, folder in shipped_models().items():
        assert read_bundle(folder).manifest.name == name
