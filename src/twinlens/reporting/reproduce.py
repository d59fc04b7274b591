"""The command lines that make a result again."""

from __future__ import annotations

from twinlens.evaluation.result import Result


def commands(result: Result) -> list[str]:
    """From the source of the right version to the report; ``recipe.yaml`` is the run's resolved recipe."""
    folder = f"runs/{result.name}"
    return [
        get_source(result.provenance.commit),
        f"twinlens train recipe.yaml --out {folder}",
        f"twinlens evaluate {folder}",
        *([f"twinlens evaluate {folder} --protocol lfw-view2"] if result.view2 else []),
        f"twinlens report {folder}",
    ]


def get_source(commit: str) -> str:
    """A release says its version, a checkout its commit, with ``+changes`` where it was not as committed."""
    if commit.startswith("twinlens "):
        return f"pip install twinlens=={commit.removeprefix('twinlens ')}"
    clean = commit.removesuffix("+changes")
    note = "" if clean == commit else "  # the source had changes that are not in this commit"
    return f"git checkout {clean}{note}"
