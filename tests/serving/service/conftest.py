from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.service.made import Made, service


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    with service(tmp_path) as found:
        yield found
