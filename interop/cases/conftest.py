"""What cases may ask for besides their lab."""

import os
from collections.abc import Iterator

import pytest

from viaduct.agents.stage import BrowserStage
from viaduct.run.plugin import SETTINGS


@pytest.fixture(scope="session")
def browsers(pytestconfig: pytest.Config) -> Iterator[BrowserStage]:
    """Phones in a real browser; nothing is started before the first one is opened."""
    settings = pytestconfig.stash[SETTINGS]
    stage = BrowserStage(settings.target, settings.scratch / f"browser-{os.getpid()}")
    yield stage
    stage.close()
