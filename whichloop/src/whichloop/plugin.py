"""The plugin: its options, what is in force, and which hooks a session gets."""

import functools
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from whichloop.hooks import Hooks, ThoroughHooks
from whichloop.observe.frames import shown
from whichloop.observe.probes.registry import REGISTRY
from whichloop.observe.tracker import TRACKER
from whichloop.present.foreseen import FORMS
from whichloop.records import Settings, Site

HOOKS = "whichloop-hooks"
_AUDIT = {
    "text": "foresee trouble of tests with event loops, run nothing, exit 1 if there is any",
    "json": "the same as JSON, and nothing else on stdout",
    "github": "the same as annotations of a GitHub workflow",
}
OUTERMOST: list[pytest.Config] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("whichloop", "which object lives on which event loop")
    group.addoption(
        "--whichloop",
        choices=("explain", "off", "strict"),
        default="explain",
        help="explain: explain failures that several event loops cause (default); strict: also "
        "fail a test that passed but used an object on another loop than its own, or left a "
        "connection on a closed loop; off: do nothing",
    )
    # Options of these very names, and none with an optional value: that would take the path behind
    # it for its value.
    for form in FORMS:
        group.addoption(
            "--whichloop-audit" if form == "text" else f"--whichloop-audit={form}",
            dest="whichloop_audit",
            action="store_const",
            const=form,
            help=_AUDIT[form],
        )
    group.addoption(
        "--whichloop-record",
        metavar="PATH",
        help="write loops, fixtures, tests, connections and crossings to PATH as JSON",
    )
    group.addoption(
        "--whichloop-html",
        metavar="PATH",
        help="write lanes and explanations to PATH as a page of HTML",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # Before the first conftest: a module-level engine is built when that is imported.
    if early_config.known_args_namespace.whichloop != "off" and _outermost(early_config):
        _watch()


@pytest.hookimpl(tryfirst=True)  # pytest-asyncio's may end the session
def pytest_configure(config: pytest.Config) -> None:
    mode = config.getoption("whichloop")
    path = config.getoption("whichloop_record") or config.getoption("whichloop_html")
    auditing = config.getoption("whichloop_audit")
    if mode == "off" and not auditing:
        return
    if auditing and hasattr(config.option, "dist"):
        config.option.dist = "no"  # or pytest-xdist, configured last, leaves collecting to workers
    if auditing == "json":  # no header, no counts: what is written must be read by a program
        config.option.verbose, config.option.disable_warnings = -2, True
    inside = not _outermost(config)
    if inside and mode == "explain" and not auditing and not path:
        return
    _watch()
    if inside:  # asked for by name, in a test of another session: that one goes on afterwards
        config.add_cleanup(functools.partial(_resume, TRACKER.settings, TRACKER.recording))
    _resume(settings_of(config), bool(path))
    hooks = ThoroughHooks(config) if path or mode == "strict" else Hooks(config)
    if auditing:
        hooks.audit.options = _options(config)
        hooks.audit.places = {name: _place(config.inipath, name) for name in _options(config)}
    config.pluginmanager.register(hooks, HOOKS)


def _watch() -> None:
    TRACKER.reported_elsewhere = True
    REGISTRY.install()


def _resume(settings: Settings, recording: bool) -> None:
    TRACKER.settings = settings
    TRACKER.record(recording)


def _outermost(config: pytest.Config) -> bool:
    """Is this the session that is explained? One that a test starts in the same process is a part
    of that test, and must not end the watch."""
    if not OUTERMOST:
        OUTERMOST.append(config)
        # The first to be registered is the last to run: after pytest's own last collection of
        # garbage, whose finalizers may still use a closed loop.
        config.add_cleanup(functools.partial(_end, config))
    return OUTERMOST[0] is config


def _end(config: pytest.Config) -> None:
    OUTERMOST.clear()
    hooks = config.pluginmanager.get_plugin(HOOKS)
    if hooks is not None:
        hooks.after_everything()
    REGISTRY.uninstall()


def settings_of(config: pytest.Config) -> Settings:
    """Versions and effective loop scopes; None where the plugin or option is not there."""
    python = ".".join(map(str, sys.version_info[:3]))
    if not config.pluginmanager.hasplugin("asyncio"):
        return Settings(python, pytest.__version__, "")
    mode = config.getoption("asyncio_mode", None) or _ini(config, "asyncio_mode") or "strict"
    return Settings(
        python,
        pytest.__version__,
        getattr(sys.modules.get("pytest_asyncio"), "__version__", None),
        str(getattr(mode, "value", mode)),
        _ini(config, "asyncio_default_fixture_loop_scope"),
        _ini(config, "asyncio_default_test_loop_scope") or "function",
        shown(str(config.inipath)) if config.inipath else "",
        _line_of(config.inipath, "asyncio_default_fixture_loop_scope"),
        _line_of(config.inipath, "asyncio_default_test_loop_scope"),
    )


def _options(config: Any) -> dict[str, str]:
    """pytest-asyncio's, those of the file and then those of ``-o``."""
    held = getattr(config, "_inicfg", None)  # from pytest 9 on, where inicfg is deprecated
    held = config.inicfg if held is None else held
    given = (text.partition("=")[::2] for text in config.getoption("override_ini") or ())
    options = {name: getattr(value, "value", value) for name, value in held.items()} | dict(given)
    return {name: str(value) for name, value in options.items() if name.startswith("asyncio")}


def _place(ini: Path | None, option: str) -> Site | None:
    line = _line_of(ini, option)
    return Site(shown(str(ini)), line) if line else None


def _line_of(ini: Path | None, option: str) -> int | None:
    """The line of an option in a configuration file; None if it is not there to be read."""
    try:
        lines = ini.read_text("utf-8").splitlines() if ini else []
    except (OSError, ValueError):
        return None
    return next(
        (at for at, line in enumerate(lines, 1) if re.match(rf"\s*{option}\s*=", line)), None
    )


def _ini(config: pytest.Config, name: str) -> str | None:
    try:
        return str(config.getini(name) or "") or None
    except (KeyError, ValueError):  # not an option of this version
        return None
