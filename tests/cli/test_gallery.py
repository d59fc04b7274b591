"""``twinlens gallery`` as it is typed: what it says, its status, and what it leaves behind."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from tests.serving.gallery.people import pattern_bundle, photo
from twinlens.cli.gallery_words import identification_lines
from twinlens.cli.main import app
from twinlens.serving.gallery.values import AuditReport, Enrolment, Identification, Stats
from twinlens.serving.service.examples import IDENTIFICATION

RUN = CliRunner()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(pattern_bundle(tmp_path_factory.mktemp("model") / "bundle"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of one's own, and a gallery that is not there yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TWINLENS_GALLERY_KEY", raising=False)
    monkeypatch.delenv("TWINLENS_GALLERY_KEY_FILE", raising=False)
    monkeypatch.setenv("TWINLENS_GALLERY", "people.db")


def picture(subject: int, number: int = 0) -> str:
    """The path of a photo, from here."""
    path = Path(f"{subject}-{number}.png")
    Image.fromarray(photo(subject, number)).save(path)
    return str(path)


def gallery(*arguments: str) -> Result:
    return RUN.invoke(app, ["gallery", *arguments])


@pytest.fixture(scope="module")
def three(model: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gallery with three people, and of their photos."""
    folder = tmp_path_factory.mktemp("three")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TWINLENS_GALLERY", "people.db")
        for subject, name in enumerate(("Ann", "Bo", "Cy")):
            assert gallery("enrol", name, picture(subject), picture(subject, 1), "--model", model).exit_code == 0
    return folder


@pytest.fixture
def enrolled(three: Path, tmp_path: Path) -> None:
    """Three people, in a gallery of one's own."""
    shutil.copytree(three, tmp_path, dirs_exist_ok=True)


def test_the_first_steps(model: str) -> None:
    first = gallery("enrol", "Ann", picture(0), "--model", model)
    assert first.stdout == "Ann has 1 template now.\n"
    assert "Made the gallery people.db." in first.stderr
    assert "Its key is in people.db.key." in first.stderr
    second = gallery("enrol", "Ann", picture(0), picture(0, 1), "--model", model)
    assert second.stdout.splitlines() == [
        "Ann has 2 templates, 1 of them new.",
        "0-0.png is enrolled as Ann already: nothing was added for it.",
    ]
    assert second.stderr == ""
    found = gallery("identify", picture(0, 5), "--model", model)
    assert found.exit_code == 0
    assert found.stdout.startswith("Ann\n1. Ann: score 0.9")
    assert "among 1 person with 2 templates, it keeps the chance that a stranger is named at 1\u00a0%" in found.stdout
    nobody = gallery("identify", picture(9), "--model", model)
    assert nobody.exit_code == 1
    assert nobody.stdout.startswith("Nobody who is enrolled.\n1. Ann: score ")


def test_what_may_be_allowed_is_told_as_options(enrolled: None, model: str) -> None:
    refused = gallery("enrol", "Eve", picture(0, 5), "--model", model)
    assert refused.exit_code == 2
    assert "0-5.png would be identified as Ann, who is enrolled already" in refused.stderr
    assert refused.stderr.endswith("If these are two people, enrol it with --allow-duplicate.\n")
    listed = gallery("enrol", "Eve", picture(0, 5), "--model", model, "--skip-broken")
    assert "enrol it with --allow-duplicate." in listed.stderr


def test_verify_says_by_its_status_what_it_decides(enrolled: None, model: str) -> None:
    match = gallery("verify", "Bo", picture(1, 5), "--model", model, "--fmr", "0.001")
    assert (match.exit_code, match.stdout[:6]) == (0, "Match:")
    other = gallery("verify", "Bo", picture(2, 5), "--model", model)
    assert (other.exit_code, other.stdout[:9]) == (1, "No match:")
    assert gallery("verify", "Di", picture(2, 5), "--model", model).exit_code == 2


def test_remarks_say_which_photo_they_are_about() -> None:
    found = Identification.model_validate(IDENTIFICATION | {"remarks": ["the face is too dark (brightness 0.1)"]})
    assert "ann.jpg: the face is too dark (brightness 0.1)." in identification_lines(found, "ann.jpg")


def test_how_to_search_can_be_chosen(enrolled: None, model: str) -> None:
    for command in (("identify", picture(1, 5)), ("enrol", "Di", picture(3))):
        assert gallery(*command, "--model", model, "--search", "exact").exit_code == 0
        refused = gallery(*command, "--model", model, "--search", "index")
        assert refused.exit_code == 2
        assert "people.db has no index to search" in refused.stderr


def test_who_is_enrolled_is_listed_and_removed(enrolled: None, model: str) -> None:
    assert gallery("list").stdout == "Ann: 2 templates\nBo: 2 templates\nCy: 2 templates\n"
    assert gallery("list", "--after", "Ann", "--most", "1").stdout == "Bo: 2 templates\n"
    assert "from 1-1.png" in gallery("list", "Bo").stdout.splitlines()[1]
    assert gallery("remove", "Bo").stdout == "Removed Bo with 2 templates.\n"
    assert gallery("remove", "Bo").exit_code == 2
    assert gallery("list").stdout == "Ann: 2 templates\nCy: 2 templates\n"
    assert gallery("identify", picture(1, 5), "--model", model).exit_code == 1


def test_consent_expiry_and_photos_are_kept(model: str) -> None:
    options = ("--consent", "signed", "--source", "door", "--days", "30", "--keep-photos")
    gallery("enrol", "Ann", picture(0), "--model", model, *options)
    line = gallery("list", "Ann").stdout
    assert all(words in line for words in ("expires ", "from door", "consent: signed", "photo kept"))
    assert gallery("expire").stdout == "Removed 0 templates.\n"


def test_everything_is_json_too(enrolled: None, model: str) -> None:
    (enrolment,) = json.loads(gallery("enrol", "Ann", picture(0, 2), "--model", model, "--json").stdout)
    assert Enrolment.model_validate(enrolment).templates_in_all == 3
    found = gallery("identify", picture(1, 5), "--model", model, "--json").stdout
    assert Identification.model_validate_json(found).subject_id == "Bo"
    assert json.loads(gallery("verify", "Bo", picture(1, 5), "--model", model, "--json").stdout)["is_match"]
    assert json.loads(gallery("list", "--json").stdout) == [
        {"subject_id": "Ann", "templates": 3},
        {"subject_id": "Bo", "templates": 2},
        {"subject_id": "Cy", "templates": 2},
    ]
    assert len(json.loads(gallery("list", "Ann", "--json").stdout)) == 3
    assert json.loads(gallery("list", "--after", "Cy", "--json").stdout) == []
    assert Stats.model_validate_json(gallery("stats", "--json").stdout).templates == 7
    assert AuditReport.model_validate_json(gallery("audit", "--verify", "--json").stdout).check.intact  # type: ignore[union-attr]
    assert json.loads(gallery("remove", "Bo", "--json").stdout) == {"templates": 2}
    assert json.loads(gallery("expire", "--json").stdout) == {"templates": 0}
    assert json.loads(gallery("copy", "people.db", "copy.db", "--json").stdout) == {"templates": 5}


@pytest.fixture
def folder() -> Path:
    """Photos of four people, and one that is none."""
    for subject, name in enumerate(("Ann", "Bo", "Cy", "Di")):
        Path("photos", name).mkdir(parents=True)
        for number in range(2):
            Image.fromarray(photo(subject, number)).save(Path("photos", name, f"{number}.png"))
    Path("photos", "Bo", "2.png").write_text("no photo", encoding="utf-8")
    return Path("photos")


def test_a_folder_is_enrolled_and_goes_on_where_it_was_interrupted(folder: Path, model: str) -> None:
    stopped = gallery("enrol", "--folder", str(folder), "--model", model)
    assert stopped.exit_code == 2
    assert stopped.stdout == "Ann has 2 templates now.\n"
    again = gallery("enrol", "--folder", str(folder), "--model", model, "--skip-broken")
    assert again.exit_code == 0
    assert [line for line in again.stdout.splitlines() if "photos/" not in line] == [
        "Ann has 2 templates, 0 of them new.",
        "Bo has 2 templates now.",
        "Cy has 2 templates now.",
        "Di has 2 templates now.",
    ]
    assert "1 photo was refused:\n  " in again.stderr
    assert "Bo/2.png is no image" in again.stderr
    stats = gallery("stats").stdout
    assert stats.startswith("4 people with 8 templates\n")
    assert gallery("enrol", "--folder", str(folder), "--model", model, "--skip-broken").exit_code == 0
    assert gallery("stats").stdout == stats


def test_the_log_is_shown_and_verified(enrolled: None) -> None:
    shown = gallery("audit", "--last", "2")
    assert [line.split()[-2:] for line in shown.stdout.splitlines()[:2]] == [["templates", "2"]] * 2
    noted = shown.stdout.split()[-1]
    gallery("remove", "Ann")
    verified = gallery("audit", "--verify", "--noted", noted)
    assert verified.exit_code == 0
    assert "The log is intact, and accounts for every template." in verified.stdout
    cut = gallery("audit", "--noted", f"99:{'0' * 64}")
    assert cut.exit_code == 1
    assert "Entry 99 is not what was written" in cut.stdout


def test_a_gallery_is_given_another_key(enrolled: None, model: str) -> None:
    before = Path("people.db.key").read_text(encoding="ascii")
    assert gallery("rekey").stdout == "The gallery has a new key, beside it.\n"
    assert Path("people.db.key").read_text(encoding="ascii") != before
    assert gallery("identify", picture(0, 5), "--model", model).exit_code == 0
    assert gallery("new-key", "--out", "elsewhere").exit_code == 0
    assert gallery("rekey", "--new-key-file", "elsewhere").exit_code == 0
    assert gallery("identify", picture(0, 5), "--model", model).exit_code == 2
    assert gallery("identify", picture(0, 5), "--model", model, "--key-file", "elsewhere").exit_code == 0


def test_keys_are_made(capfd: pytest.CaptureFixture[str]) -> None:
    printed, as_json = gallery("new-key").stdout, json.loads(gallery("new-key", "--json").stdout)
    assert len(printed.strip()) == len(as_json["key"]) == 44
    assert printed.strip() != as_json["key"]
    assert json.loads(gallery("new-key", "--out", "key", "--json").stdout) == {"file": "key"}
    assert gallery("new-key", "--out", "key").exit_code == 2


def test_a_gallery_is_exported_and_imported(enrolled: None, model: str) -> None:
    Path("words").write_text("a long enough passphrase\n", encoding="utf-8")
    sealed = ("--passphrase-file", "words")
    assert gallery("export", "people.export", *sealed).stdout == "6 templates in people.export.\n"
    Path("guess").write_text("a wrong passphrase\n", encoding="utf-8")
    refused = gallery("import", "people.export", "--passphrase-file", "guess", "--gallery", "other.db")
    assert "people.export cannot be opened" in refused.stderr
    assert list(Path().glob("other.db*")) == []
    added = gallery("import", "people.export", *sealed, "--gallery", "other.db")
    assert added.stdout == "6 templates added.\n"
    assert "Made the gallery other.db." in added.stderr
    assert gallery("identify", picture(1, 5), "--model", model, "--gallery", "other.db").stdout.startswith("Bo\n")
    assert gallery("import", "people.export", *sealed, "--gallery", "other.db").stdout == "0 templates added.\n"
    gallery("new-key", "--out", "key")
    assert gallery("export", "with-key.export", "--with-key", "key").exit_code == 0
    assert gallery("import", "with-key.export", "--with-key", "key", "--gallery", "third.db").exit_code == 0
    assert gallery("export", "people.export", *sealed).exit_code == 2


def test_a_gallery_is_copied(enrolled: None, model: str) -> None:
    told = gallery("copy", "people.db", "copy.db")
    assert told.stdout == "6 templates in copy.db, under the same key, which is not copied.\n"
    identify = ("identify", picture(1, 5), "--model", model, "--gallery", "copy.db")
    assert gallery(*identify).exit_code == 2
    assert gallery(*identify, "--key-file", "people.db.key").exit_code == 0


def test_a_gallery_moves_to_another_model(model: str, tmp_path: Path) -> None:
    other = str(pattern_bundle(tmp_path / "other", name="others", seed=1))
    gallery("enrol", "Ann", picture(0), "--model", model, "--keep-photos")
    assert gallery("reenrol", "--model", other).stdout == "1 template made anew with others.\n"
    assert gallery("identify", picture(0, 5), "--model", other).exit_code == 0
    assert gallery("identify", picture(0, 5), "--model", model).exit_code == 2


MISTAKES: list[tuple[list[str], str]] = [
    (["enrol"], "It is not clear who is to be enrolled. Give SUBJECT PHOTO..., or --folder PHOTOS."),
    (["enrol", "Ann", "0-0.png", "--folder", "photos"], "It is not clear who is to be enrolled"),
    (["enrol", "Ann"], "There are no photos"),
    (["enrol", "--folder", "."], "holds no folder with photos"),
    (["enrol", "--folder", "missing"], "missing cannot be read"),
    (["enrol", "Ann", "missing.png"], "missing.png is missing or no file"),
    (["enrol", "An\nn", "0-0.png"], "cannot be the name of a subject"),
    (["enrol", "Ann", "0-0.png", "--days", "0"], "is over"),
    (["enrol", "Ann", "0-0.png", "--days", "1e12"], "days are too many"),
    (["enrol", "Di", "0-0.png"], "would be identified as Ann, who is enrolled already"),
    (["identify", "0-0.png", "--fpir", "0"], "is no rate"),
    (["identify", "0-0.png", "--gallery", "other.db"], "There is no gallery at other.db"),
    (["identify", "0-0.png", "--key-file", "missing"], "The key file missing cannot be read"),
    (["verify", "Bo", "0-0.png", "--prior", "2"], "is no probability"),
    (["list", "Di"], "Nobody called 'Di' is enrolled"),
    (["audit", "--noted", "here"], "is no entry that was noted"),
    (["export", "file", "--with-key", "a", "--passphrase-file", "b"], "not both"),
    (["export", "file", "--passphrase-file", "missing"], "missing holds no passphrase"),
    (["export", "file"], "Nobody can be asked for a passphrase"),
    (["import", "0-0.png", "--with-key", "people.db.key"], "is no exported gallery"),
    (["copy", "people.db", "people.db"], "There is somebody in the other gallery already"),
    (["reenrol", "--model", "missing"], "There is no model 'missing'"),
    (["stats", "--gallery", "0-0.png"], "0-0.png is no gallery"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_gets_a_sentence(
    enrolled: None, model: str, arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    takes_a_model = arguments[0] in ("enrol", "identify", "verify")
    told = gallery(*arguments, *(["--model", model] if takes_a_model else []))
    assert told.exit_code == 2
    assert words in " ".join((told.stderr + capfd.readouterr().err).split())
    assert told.stdout == ""
    assert gallery("stats").stdout.startswith("3 people with 6 templates\n")


def test_a_model_that_does_not_come_along_must_be_named(enrolled: None, capfd: pytest.CaptureFixture[str]) -> None:
    told = gallery("identify", picture(0))
    assert told.exit_code == 2
    said = told.stderr + capfd.readouterr().err
    assert "templates of the model patterns, which does not come with twinlens. Say where it is: --model" in said


def test_a_database_for_a_trial(model: str) -> None:
    """It starts, says where it is, is used, and stops when it is told to."""
    # Not in pytest's folder: run by root, it runs as somebody else, who cannot enter that.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try_database(Path(folder) / "data", model)


def try_database(folder: Path, model: str) -> None:
    program = [sys.executable, "-c", "from twinlens.cli.main import main; main()"]
    command = [*program, "gallery", "serve-postgres", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().partition("'")[2].partition("'")[0]
            assert address.startswith("postgresql://")
            assert gallery("new-key", "--out", "key").exit_code == 0
            there: Any = ("--gallery", address, "--key-file", "key", "--model", model)
            assert gallery("enrol", "Ann", picture(0), *there).exit_code == 0
            assert gallery("identify", picture(0, 5), *there).stdout.startswith("Ann\n")
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) == 0
    assert not (folder / "postmaster.pid").exists()
