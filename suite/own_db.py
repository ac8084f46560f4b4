"""A pytest plugin for the sides whose remedy is another `db.py`.

`addopts = -p suite.own_db` puts the side's `db.py` in the place of `shared_app/configs/db.py`,
under the same module name, before anything imports it. The hook of `suite.servers` runs first:
db.py reads the URL that it sets.
"""

import importlib
import sys
from pathlib import Path

import pytest

import shared_app.configs

NAME = "shared_app.configs.db"


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    path = Path(early_config.rootpath, "db.py")
    if NAME in sys.modules or not path.is_file():
        raise pytest.UsageError(f"{path} must be there, and be imported before the app's db.py")
    shared_app.configs.__path__.insert(0, str(path.parent))
    importlib.import_module(NAME)
