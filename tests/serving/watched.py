"""A process in which hostile requests are made, and which tells what they made Python and the system do.

    python -m tests.serving.watched FOLDER [--misbehave]

Everything is asked twice: at first, so that all modules are there; then, with other names of files, under watch.
Prints JSON: what happened that is not expected of a service, how many requests there were, and how many failed. With
``--misbehave`` nothing is asked, but what must not happen does.
"""

import ctypes
import json
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hostile import Canary, hostile_files
from tests.serving.service.made import Made, photo, service, upload

# What a service does of itself while it answers: threads, locks, and its own files.
HARMLESS = ("object.", "sys.", "threading.", "_thread.", "gc.", "array.", "code.__new__", "builtins.id", "time.sleep",
            "socket.__new__", "socket.bind", "socket.getsockname", "signal.", "sqlite3.connect/handle")  # fmt: skip
OWN_FILES = ("gallery.db", "keys.json")
IN_OPEN, IN_ACCESS = 0x20, 0x1


def main() -> None:
    folder = Path(sys.argv[1])
    seen: list[str] = []
    with service(folder) as made, socket.create_server(("127.0.0.1", 0)) as canary:
        misbehaves = sys.argv[2:] == ["--misbehave"]
        statuses = [] if misbehaves else ask_everything(made, chosen(folder / "before"), canary)
        targets = chosen(folder / "watched")
        look = watch_folder(folder / "watched")
        watch(seen)
        statuses += misbehave(targets, canary) if misbehaves else ask_everything(made, targets, canary)
        seen += [f"the system opened {name!r}" for name in look()]
        canary.setblocking(False)
        try:
            canary.accept()
            seen.append("somebody was called")
        except BlockingIOError:
            pass
    faults = sum(status >= 500 for status in statuses)
    torch = sorted({"torch", "lightning"} & set(sys.modules))
    print(json.dumps({"seen": seen, "asked": len(statuses), "faults": faults, "torch": torch}))
    os._exit(0)  # under watch, even the end of Python would be something


def chosen(folder: Path) -> list[str]:
    """Ways to name a photo and a pickle that the caller has put somewhere."""
    folder.mkdir()
    right, evil = folder / "chosen.png", folder / "chosen.pkl"
    right.write_bytes(photo(1))
    evil.write_bytes(pickle.dumps(Canary()))
    above = "../" * 20
    names = [f"{right}", f"file://{right}", f"{above}{right}", f"{right}\0.png", f"{evil}", f"{above}{evil}"]
    return [*names, f"%2e%2e/{right}", f"~/../..{right}", f"|cat {right}", f"$(cat {right})", f"{right}/../chosen.png"]


def ask_everything(made: Made, names: list[str], canary: socket.socket) -> list[int]:
    """Every place of a request where something can be named; the statuses of the answers."""
    host, port = canary.getsockname()
    names = [*names, f"http://{host}:{port}/photo.png", f"//{host}/share/photo.png"]
    statuses = []
    for name in names:
        statuses += [made.client.request(**ask).status_code for ask in asks(name)]
    for hostile in hostile_files(0, 75):
        statuses.append(made.client.post("/v1/identify", files=upload(photo=hostile.content)).status_code)
    return statuses


def asks(name: str) -> Iterator[dict[str, Any]]:
    """Requests with a name in them."""
    right, raw, escaped = photo(1), name.encode(), name.replace("\0", "%00")
    enrol = "/v1/subjects/one/templates"
    picture = (f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{name}"/></svg>').encode()
    entity = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "{name}">]><a>&b;</a>'.encode()
    for content in (raw, picture, entity, pickle.dumps(Canary()), right + raw):
        yield {"method": "POST", "path": "/v1/identify", "files": [("photo", (name, content))]}
    disposition = f'form-data; name="photo"; filename="x"; filename*=utf-8\'\'{escaped}'.encode("latin-1", "replace")
    part = b"--x\r\nContent-Disposition: " + disposition + b"\r\nContent-Location: " + raw.replace(b"\0", b"")
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    content = part + b"\r\n\r\n" + raw + b"\r\n--x--\r\n"
    yield {"method": "POST", "path": "/v1/identify", "content": content, "headers": form}
    yield {"method": "POST", "path": "/v1/verify", "files": [("first", (name, right)), ("second", (name, raw))]}
    yield {
        "method": "POST",
        "path": "/v1/verify",
        "data": {"first": name, "second": name},
        "files": [("x", ("x", b""))],
    }
    yield {"method": "POST", "path": "/v1/verify", "data": {"first": name}, "files": [("second", (name, right))]}
    yield {"method": "POST", "path": "/v1/identify", "json": {"photo": name}}
    yield {"method": "POST", "path": "/v1/identify", "content": raw, "headers": {"Content-Type": "image/png"}}
    yield {"method": "POST", "path": "/v1/identify", "params": {"photo": name}}
    for field in ("source", "consent", "expires_at", "face", "aligned", "photos"):
        yield {"method": "POST", "path": enrol, "files": [("photos", (name, right))], "data": {field: name}}
    for path in ("/v1/subjects/", "/static-offline-docs/", "/docs/", "/"):
        yield {"method": "GET", "path": path + escaped}
    yield {"method": "DELETE", "path": f"/v1/subjects/{escaped}"}
    yield {"method": "GET", "path": "/v1/subjects", "params": {"after": name}}
    yield {"method": "GET", "path": "/v1/audit", "params": {"since": name}}
    headers = ("Referer", "Cookie", "Range", "X-Original-URL", "X-Rewrite-URL", "X-Sendfile", "User-Agent")
    yield {"method": "GET", "path": "/v1/models", "headers": dict.fromkeys(headers, escaped)}


def misbehave(names: list[str], canary: socket.socket) -> list[int]:
    """Do what a service must never do."""
    libc = ctypes.CDLL(None)
    os.close(libc.open(os.fsencode(names[0]), os.O_RDONLY))  # as a library would that is no Python
    Path(names[0]).read_bytes()
    pickle.loads(pickle.dumps(Path("x")))
    socket.create_connection(canary.getsockname()).close()
    __import__("rlcompleter")
    subprocess.run(["true"], check=True)
    return []


def watch(seen: list[str]) -> None:
    """Note from now on whatever is not expected."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(HARMLESS) or (event, arguments[:1]) == ("import", ("sniffio",)):  # httpx, which asks
            return
        if event in ("open", "sqlite3.connect") and Path(str(arguments[0])).name.startswith(OWN_FILES):
            return
        seen.append(f"{event} {str(arguments)[:100]}")

    sys.addaudithook(note)


def watch_folder(folder: Path) -> Any:
    """What tells the names of files that anybody, also code that is no Python, has opened in a folder since."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK)
    if libc.inotify_add_watch(handle, os.fsencode(folder), IN_OPEN | IN_ACCESS) < 0:
        raise OSError(ctypes.get_errno(), "inotify")

    def look() -> list[str]:
        try:
            events = os.read(handle, 65536)
        except BlockingIOError:
            return []
        return [events.decode("latin-1")]

    return look


if __name__ == "__main__":
    main()
