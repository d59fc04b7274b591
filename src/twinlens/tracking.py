"""The MLflow run that belongs to a run's folder; MLflow is imported where there is one, and only then.

The store is ``$MLFLOW_TRACKING_URI``, else the SQLite file ``mlflow.db`` where one stands, and the experiment
``$MLFLOW_EXPERIMENT_NAME``, else ``twinlens``. They are not part of a recipe: the same training may be shown
elsewhere, and an address may hold a password.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twinlens.errors import RunError
from twinlens.files import write_text
from twinlens.runs import Run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_LOCAL = Path("mlflow.db")
_PASSWORD = re.compile("//[^/@]*@")


def tracking_uri() -> str:
    """Where MLflow keeps its runs."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_LOCAL.resolve()}"


def open_run(run: Run) -> str:
    """The identifier of the MLflow run that shows a training: the one that it was interrupted in, or a new one."""
    client = _client()
    known = _read_run_id(run)
    if known is not None:
        client.update_run(known, status="RUNNING")
        return known
    run_id = str(client.create_run(_experiment(client), run_name=run.folder.name).info.run_id)
    write_text(_place(run), run_id + "\n")
    return run_id


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say in plain words what MLflow did not do, and what helps.

    Raises:
        RunError: MLflow cannot be reached or refused something.
    """
    # MLflow reports its use to its makers unless told not to; what is learned here is nobody's business.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise RunError(
            f"MLflow at {_PASSWORD.sub('//', tracking_uri())}: {reason}.",
            "Set MLFLOW_TRACKING_URI to where the run was begun and go on with --resume; or go on without MLflow: "
            "--resume --set logger=tensorboard.",
        ) from error


def share(run: Run, figures: Mapping[str, float], files: list[Path]) -> None:
    """Add figures and files to the MLflow run of a training; of a run that has none, nothing happens.

    What MLflow does not take is only logged: it may not cost anybody a finished result.

    Args:
        run: Its folder.
        figures: By name; they belong to no epoch.
        files: Those that are missing are left out.
    """
    run_id = _read_run_id(run)
    if run_id is None:
        return
    try:
        with plain_errors():
            _share(run_id, figures, files)
    except (ImportError, RunError) as error:
        run.log(f"not shown in MLflow: {error}")


def _share(run_id: str, figures: Mapping[str, float], files: list[Path]) -> None:
    client = _client()
    for name, value in figures.items():
        client.log_metric(run_id, name, value)
    for path in files:
        if path.is_file():
            client.log_artifact(run_id, str(path))


def _client() -> MlflowClient:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri())


def _experiment(client: MlflowClient) -> str:
    """The experiment's identifier; it is made if there is none of its name."""
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "twinlens"
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _read_run_id(run: Run) -> str | None:
    path = _place(run)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def _place(run: Run) -> Path:
    return run.folder / "mlflow-run.txt"
