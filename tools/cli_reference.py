"""Write ``docs/commands.md``: the help of every command, plain and of a fixed width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from twinlens.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"

_INTRODUCTION = """\
# Commands

<!-- Written by `make docs` from src/twinlens/cli; changes made here are lost. -->

What `--help` says of every command. [The guide](guide.md) leads to pages that show them at work, and
lists [exit codes and errors](guide.md#exit-codes-and-errors).
"""
_WIDTH = 100


def reference() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    for path, text in helps():
        parts.append(f"## {path}\n\n```text\n{text.strip()}\n```\n")
    return "\n".join(parts)


def helps() -> Iterator[tuple[str, str]]:
    """Every command as it is typed, and its help; groups before what is in them."""
    yield from _walk(typer.main.get_command(app), "twinlens", None)


def _walk(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    command.rich_markup_mode = None  # boxes and colours are for terminals
    width = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = command.make_context(name, [], parent, resilient_parsing=True, **width)
    yield context.command_path, command.get_help(context)
    for inner, subcommand in getattr(command, "commands", {}).items():
        yield from _walk(subcommand, inner, context)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
