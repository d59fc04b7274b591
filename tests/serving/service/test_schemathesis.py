"""Requests of every form that the description allows, and many that it forbids, drawn from the description itself."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serving.service.made import photo, upload
from tests.serving.service.process import running

# To a description any bytes are a photo, so that it "allows" much that is refused.
EXCLUDED = "positive_data_acceptance"


@pytest.mark.slow
def test_every_answer_is_as_described(tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name("schemathesis")
    with running(tmp_path, rate=1e9, burst=10**9, batch_wait=0) as service:
        address = f"{service.address}/v1/subjects/4711/templates"  # the example, so that some are found
        assert httpx.post(address, headers=service.headers, files=upload(photos=photo(1))).status_code == 201
        found = subprocess.run(
            [tool, "run", f"{service.address}/openapi.json", "--header", f"Authorization: Bearer {service.key}",
             "--exclude-checks", EXCLUDED, "--max-examples", "4", "--seed", "1", "--no-color"],
            cwd=tmp_path, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert found.returncode == 0, found.stdout[-5000:]
        assert "Tested: 12" in found.stdout
        assert '"status": 5' not in service.log.read_text()
