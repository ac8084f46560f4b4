"""Versions and loop scopes in force in a pytest session."""

from __future__ import annotations

import sys
from importlib import metadata

import pytest

from .actors import Settings


def _pytest_asyncio() -> str | None:
    """Its version; as it says itself, since a look at the installed packages takes longer."""
    module = sys.modules.get("pytest_asyncio")
    said = getattr(module, "__version__", None)
    if said is not None or module is None:
        return said
    try:
        return metadata.version("pytest-asyncio")
    except metadata.PackageNotFoundError:
        return None


def _ini(config: pytest.Config, name: str) -> str | None:
    try:
        value = config.getini(name)
    except (KeyError, ValueError):
        return None
    return str(value) if value else None


def settings_of(config: pytest.Config) -> Settings:
    """Versions and effective loop scopes; None where the plugin or option is not there."""
    active = config.pluginmanager.hasplugin("asyncio")
    mode = None
    if active:
        mode = config.getoption("asyncio_mode", None) or _ini(config, "asyncio_mode") or "strict"
    return Settings(
        python=".".join(map(str, sys.version_info[:3])),
        pytest=pytest.__version__,
        pytest_asyncio=_pytest_asyncio() if active else None,
        asyncio_mode=str(getattr(mode, "value", mode)) if mode else None,
        fixture_loop_scope=_ini(config, "asyncio_default_fixture_loop_scope") if active else None,
        test_loop_scope=(_ini(config, "asyncio_default_test_loop_scope") or "function")
        if active
        else None,
    )
