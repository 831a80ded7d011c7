"""A real browser: it opens the page, really verifies who serves it, and tells what went wrong."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from viaduct.agents.browser import BrowserFarm
from viaduct.agents.driver import BrowserError, PhoneFailure
from viaduct.agents.page import PageServer
from viaduct.targets.pki import Pki, make_pki
from viaduct.targets.port import free_ports
from viaduct.trace.jsonl import Recorder

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def farm(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserFarm]:
    with BrowserFarm(tmp_path_factory.mktemp("browser"), (pki.ca,)) as one:
        yield one


@pytest.fixture(scope="module")
def page(pki: Pki) -> Iterator[str]:
    server = PageServer(pki)
    yield server.url
    server.close()


def test_a_page_under_a_trusted_authority_is_a_phone(farm: BrowserFarm, page: str) -> None:
    """It starts, and says why it does not get far where nobody listens."""
    recorder = Recorder("browser-1")
    port = free_ports(1)[0]

    async def play() -> None:
        phone = await farm.phone(page, recorder)
        with pytest.raises(PhoneFailure, match="disconnected while waiting for connected"):
            await phone.start("sip:alice@sip.test", f"wss://127.0.0.1:{port}/")
        state = await phone.state()
        assert (state["connected"], state["registered"], state["call"]) == (False, False, "idle")
        with pytest.raises(PhoneFailure, match="there is no call"):
            await phone.hangup()
        await phone.close()

    asyncio.run(play())
    close = recorder.events[0]
    assert (close.kind, close.remote) == ("close", f"127.0.0.1:{port}")
    assert close.info["why"] == "error" and "ERR_CONNECTION_REFUSED" in close.info["reason"]


def test_a_page_under_an_unknown_authority_is_refused(farm: BrowserFarm, tmp_path: Path) -> None:
    server = PageServer(make_pki(tmp_path / "other"))
    try:
        with pytest.raises(BrowserError, match="ERR_CERT_AUTHORITY_INVALID"):
            asyncio.run(farm.phone(server.url, Recorder("browser-2")))
    finally:
        server.close()


def test_a_page_that_is_not_there_is_an_error(farm: BrowserFarm, page: str) -> None:
    with pytest.raises(BrowserError, match="answered 404"):
        asyncio.run(farm.phone(f"{page}nothing.html", Recorder("browser-3")))


def test_an_unknown_library_is_named(farm: BrowserFarm, page: str) -> None:
    async def play() -> None:
        phone = await farm.phone(page, Recorder("browser-4"))
        try:
            with pytest.raises(BrowserError, match='no adapter for the library "sofia"'):
                await phone.start("sip:a@sip.test", "wss://127.0.0.1:1/", library="sofia")
        finally:
            await phone.close()

    asyncio.run(play())


def test_a_page_that_was_not_built_is_named(pki: Pki, tmp_path: Path) -> None:
    with pytest.raises(BrowserError, match="run ci/build"):
        PageServer(pki, tmp_path)


def test_clients_that_were_not_installed_are_named(tmp_path: Path) -> None:
    with pytest.raises(BrowserError, match="npm ci"):
        BrowserFarm(tmp_path, clients=tmp_path)
