import hashlib
import json
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinlens.files import remove_leftovers, sha256_file, sha256_json, whole_file, whole_folder, write_json, write_text

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- files ------------------------------------------------------------------------------------------------


def test_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    with whole_file(path) as temporary:
        assert temporary.parent == path.parent
        temporary.write_text("new", encoding="utf-8")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt(), SystemExit(3)])
def test_old_file_stands_when_the_block_ends_badly(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    write_text(tmp_path / "file.txt", "new")
    with whole_folder(tmp_path / "folder"):
        pass
    assert mode(tmp_path / "file.txt") == 0o644
    assert mode(tmp_path / "folder") == 0o755


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_written_as_utf_8_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "text.txt"
    write_text(path, text)
    assert path.read_bytes() == text.replace("\n", os.linesep).encode()


def test_reader_never_sees_a_part_and_many_may_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    texts = [letter * 200_000 for letter in "abcd"]
    write_text(path, texts[0])
    done = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_text(encoding="utf-8"))

    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        list(pool.map(lambda text: write_text(path, text), texts * 10))
        done.set()
        reader.result()
    assert seen <= set(texts)
    assert path.read_text(encoding="utf-8") in texts
    assert list(tmp_path.iterdir()) == [path]


@given(values)
def test_json_comes_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    try:
        write_json(path, value)
    except UnicodeEncodeError:  # half a surrogate pair is no text
        return
    assert json.loads(path.read_text(encoding="utf-8")) == value


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_holds_numbers_only(tmp_path: Path, number: float) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"deep": [1, {"in": number}]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


# --- folders ----------------------------------------------------------------------------------------------


def fill(path: Path, name: str, *, replace: bool = False) -> None:
    with whole_folder(path, replace=replace) as temporary:
        assert temporary.parent == path.parent
        (temporary / "name").write_text(name, encoding="utf-8")
        (temporary / "below").mkdir()
        (temporary / "below" / "name").write_text(name, encoding="utf-8")


def name_of(path: Path) -> str:
    (name,) = {part.read_text(encoding="utf-8") for part in (path / "name", path / "below" / "name")}
    return name


def test_folder_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    fill(path, "new")
    assert name_of(path) == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt()])
def test_old_folder_stands_when_the_block_ends_badly(tmp_path: Path, error: BaseException, replace: bool) -> None:
    path = tmp_path / "folder"
    fill(path, "old")

    def fail() -> None:
        with whole_folder(path, replace=replace) as temporary:
            (temporary / "name").write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert name_of(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_is_there_stands_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    fill(path, "first")
    fill(path, "second")
    assert name_of(path) == "first"
    fill(path, "third", replace=True)
    assert name_of(path) == "third"
    assert list(tmp_path.iterdir()) == [path]


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    fill(path, "new")
    assert name_of(path) == "new"


@pytest.mark.parametrize("replace", [True, False])
def test_many_may_make_one_folder_at_once(tmp_path: Path, replace: bool) -> None:
    path = tmp_path / "folder"
    names = [f"writer {i}" for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: fill(path, name, replace=replace), names))
    assert name_of(path) in names
    assert list(tmp_path.iterdir()) == [path]


# --- digests ----------------------------------------------------------------------------------------------


@given(st.binary(max_size=1000))
def test_digest_of_a_file_is_that_of_its_content(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "content"
    path.write_bytes(content)
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()


def test_digest_of_a_value_is_the_published_one() -> None:
    text = '{"a":[1,2.5,null],"b":"ä"}'
    assert sha256_json({"b": "ä", "a": [1, 2.5, None]}) == hashlib.sha256(text.encode()).hexdigest()


@given(st.dictionaries(st.text("abcd", max_size=2), st.integers(), min_size=2))
def test_digest_does_not_depend_on_the_order_of_keys(value: dict[str, int]) -> None:
    assert sha256_json(value) == sha256_json(dict(reversed(value.items())))
    changed = {**value, next(iter(value)): -1 - value[next(iter(value))]}
    assert sha256_json(value) != sha256_json(changed)


def test_digest_of_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        sha256_json([math.nan])


def test_leftovers_of_killed_writings_go_and_everything_else_stays(tmp_path: Path) -> None:
    for name in (".a.json.x1.tmp", "b.tmp", ".c", "d.json"):
        (tmp_path / name).touch()
    (tmp_path / ".folder.x2.tmp" / "inner").mkdir(parents=True)
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".c", "b.tmp", "d.json"]
    remove_leftovers(tmp_path / "nowhere")
