"""A real Chromium, the system's own, and axe-core."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from scripts.paths import ROOT

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
)


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "neither chromium nor google-chrome is on PATH: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's script. Packages are fetched as for the faults, by the Python below `.venv`."""
    folder = tmp_path_factory.mktemp("axe")
    base = getattr(sys, "_base_executable", sys.executable)
    command = [base, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--require-hashes", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, "-r", str(ROOT / "requirements" / "pages.txt")], check=True)
    return (folder / "axe_playwright_python" / "axe.min.js").read_text("utf-8")


@pytest.fixture
def opened(browser):
    """A function (file, hash, **of the browser's context): a page, which must load nothing and
    write nothing to its console."""
    contexts, wrong = [], []

    def open_page(path: Path, address: str = "", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        own = path.as_uri()
        page.on("request", lambda asked: wrong.extend({asked.url.partition("#")[0]} - {own}))
        page.goto(f"{own}{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
