"""A dashboard in a process of its own, and a headless Chromium that may not leave the machine."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from puente.store.connection import connect
from tests.browser.fleet import LAREDO, Fleet

ROOT = Path(__file__).resolve().parents[2]
SHOTS = Path(__file__).parent / "shots"

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Software WebGL: the map is drawn without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]

MAP_READY = """() => window.Puente && Puente.link.frames > 0 && Puente.status && Puente.map()
    && Puente.map().getLayer('fleet') && Puente.fleetLayer.draws > 0"""


class Dashboard:
    """`python -m dashboard` on a port of its own."""

    def __init__(self, redis_url: str) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ,
            "REDIS_URL": redis_url,
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "CLOCK_START": "",
            "CLOCK_ANCHOR": "",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dashboard"], cwd=ROOT, env=self._environment
        )
        deadline = time.monotonic() + 60
        while True:
            assert self._process.poll() is None, "the dashboard did not start"
            assert time.monotonic() < deadline, "the dashboard does not answer"
            try:
                urllib.request.urlopen(f"{self.url}/theme.css", timeout=2).close()
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="module")
def fleet(redis_url: str) -> Iterator[Fleet]:
    """Three trucks at the border, one of them far off, and a device that no plan names."""
    store = connect(redis_url)
    with Fleet(store) as made:
        made.plan("S1", "S2", "S3")
        made.row("S1", LAREDO[0] - 0.4, LAREDO[1] - 0.2)
        made.row("S2", LAREDO[0], LAREDO[1], speed_mps=0.0, classes=("BORDER_QUEUE",))
        made.row("S3", 29.0, -98.7)
        made.row("~SPARE", 25.7, -100.3)
        yield made
    store.close()


@pytest.fixture(scope="module")
def dashboard(redis_url: str, fleet: Fleet) -> Iterator[Dashboard]:
    running = Dashboard(redis_url)
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        opened = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One cache for a module's pages, and a fresh memory for each of them."""
    opened = browser.new_context()
    opened.add_init_script(
        "if (!sessionStorage.begun) { localStorage.clear(); sessionStorage.begun = '1'; }"
    )
    yield opened
    opened.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(context: BrowserContext, dashboard: Dashboard) -> Iterator[Visit]:
    """Open pages that may not fail, nor ask anything of another machine."""
    faults: list[str] = []
    pages: list[Page] = []

    def outside(url: str) -> bool:
        ours = (dashboard.url, dashboard.url.replace("http", "ws", 1), "data:", "blob:")
        return not url.startswith(ours)

    def open_page(path: str = "/", width: int = 1280, height: int = 720) -> Page:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        pages.append(page)
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on(
            "request",
            lambda request: outside(request.url) and faults.append(f"request to {request.url}"),
        )
        page.on(
            "console",
            lambda said: (
                said.type == "error"
                and "ERR_CONNECTION_REFUSED" not in said.text
                and faults.append(f"console: {said.text}")
            ),
        )
        page.goto(dashboard.url + path)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert faults == []


@pytest.fixture
def open_map(visit: Visit) -> Visit:
    """Open the map, drawn with the lite style, and wait until trucks are on it."""

    def opened(path: str = "/", **size: int) -> Page:
        page = visit(path + ("&" if "?" in path else "?") + "lite=1", **size)
        page.wait_for_function(MAP_READY, timeout=60_000)
        return page

    return opened
