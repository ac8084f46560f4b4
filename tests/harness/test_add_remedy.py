"""A remedy is added by one folder: its files, its remedy.toml and README, and what is redrawn."""

import shutil
from pathlib import Path

from tests.support.checkouts import Checkout

REMEDY = """\
title = "One loop, by two options"
source = "Remedy 9"
changes = ["pytest.ini"]
why = "All tests and fixtures share the session loop."
when = "When a test of this project needs a twentieth remedy."

[same_as]
broken = ["http", "control"]
fix-09 = ["direct-motor", "postgres"]
"""
CAPTION = '"""Remedy 20: both options name the session loop."""\n'


def test_a_twentieth_remedy_is_one_folder(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout")
    folder = checkout.folder / "fixed" / "20_one_loop"
    shutil.copytree(checkout.folder / "broken", folder)
    (folder / "variants.toml").unlink()
    (folder / "README.md").write_text("# Remedy 20\n", "utf-8")
    (folder / "remedy.toml").write_text(REMEDY, "utf-8")
    conftest = folder / "conftest.py"
    _, _, rest = conftest.read_text("utf-8").partition("\n")
    conftest.write_text(CAPTION + rest, "utf-8")
    with (folder / "pytest.ini").open("a", encoding="utf-8") as ini:
        ini.write("asyncio_default_test_loop_scope = session\n")

    done = checkout.scripts("fix", "20").must_exit(0)
    assert "Remedy 20 cures 17 of 17 failing tests (MongoDB all, Postgres all)" in done.out
    checkout.scripts("readme").must_exit(0)
    readme = (checkout.folder / "README.md").read_text("utf-8")
    assert "| `make fix-20` | [One loop, by two options](fixed/20_one_loop/README.md) |" in readme
