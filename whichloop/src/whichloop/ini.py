"""Lines of pytest's configuration files, changed where they stand. Pure."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import iniconfig  # what pytest reads these files with

# A change of options by their names: a new value, or None for a line that is to go.
Changes = Mapping[str, str | None]
_OPTION = re.compile(r"""\s*(["']?)(?P<name>asyncio[\w-]*)\1\s*[=:]""")
_VALUE = {
    True: re.compile(r"""(?P<head>[^=]*=\s*)(?:"[^"]*"|'[^']*'|[^#]*?)(?P<tail>\s*(?:#.*)?)$"""),
    False: re.compile(r"(?P<head>[^=:]*[=:]\s*)(?:\S.*?)??(?P<tail>(?:\s+[#;].*)?)$"),
}


def options_of(file: str, text: str) -> dict[str, str]:
    """The options in pytest's section of a configuration file, as texts. ``file`` is its name, from
    which pytest tells its format. Raises ValueError for a file that cannot be parsed."""
    return {name: str(value) for name, value in _parsed(file, text)[1].items()}


def edited(file: str, text: str, changes: Changes) -> str:
    """The text with these options changed, added to pytest's section or taken out, and every other
    line as it was. Raises ValueError where that cannot be done line by line."""
    toml, title = file.endswith(".toml"), _title(file, text)
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    headings = [at for at, line in enumerate(lines) if re.match(r"\s*\[" if toml else r"\[", line)]
    wanted = re.compile(rf"\s*\[\s*{re.escape(title)}\s*\]")
    start = next((at for at in headings if wanted.match(lines[at])), None)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += end
    if start is None:
        start = len(lines) + bool(lines)
        lines += [*([end] if lines else []), f"[{title}]{end}"]
    stop = next((at for at in headings if at > start), len(lines))
    new = {name: f'"{value}"' if toml else value for name, value in changes.items() if value}
    kept: list[str] = []
    place, found = start + 1, False
    for line in lines[start + 1 : stop]:
        option = _OPTION.match(line)
        name = option["name"] if option else ""
        if name in new:
            kept += _replaced(line.rstrip("\r\n"), new.pop(name), toml, end)
        elif name not in changes:
            kept.append(line)
        if option and not found:  # behind the last one, or where one was taken out
            place, found = start + 1 + len(kept), name in changes and changes[name] is None
    lines[start + 1 : stop] = kept
    lines[place:place] = [f"{name} = {value}{end}" for name, value in new.items()]
    result = "".join(lines)
    _check(file, text, result, changes)
    return result


def _replaced(line: str, value: str, toml: bool, end: str) -> list[str]:
    """The line with another value. A comment behind it stays; in an ini file, where pytest takes
    it for a part of the value, above it."""
    parts = _VALUE[toml].match(line)
    if parts is None:
        raise ValueError(f"the line {line!r} cannot be changed alone")
    tail = parts["tail"]
    if toml:
        return [f"{parts['head']}{value}{tail}{end}"]
    return [*([tail.strip() + end] if tail else []), f"{parts['head']}{value}{end}"]


def _title(file: str, text: str) -> str:
    """What the heading of pytest's section is, in this file."""
    if file.removeprefix(".") == "pytest.toml":
        return "pytest"
    if file.endswith(".toml"):
        table = tomllib.loads(text).get("tool", {}).get("pytest", {})
        return "tool.pytest" if table and "ini_options" not in table else "tool.pytest.ini_options"
    return "tool:pytest" if file.endswith(".cfg") else "pytest"


def _parsed(file: str, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """All of a file, and pytest's section in it, which is made if it is not there."""
    title = _title(file, text)
    if not file.endswith(".toml"):
        try:
            sections = iniconfig.IniConfig(file, text).sections
        except iniconfig.ParseError as error:
            raise ValueError(str(error)) from error
        found = {name: dict(section) for name, section in sections.items()}
        return found, found.setdefault(title, {})
    whole = section = tomllib.loads(text)
    for name in title.split("."):
        section = section.setdefault(name, {})
    return whole, section


def _check(file: str, before: str, after: str, changes: Changes) -> None:
    """Does the new text say all that the old one did, but for the changes?"""
    wanted, section = _parsed(file, before)
    for name, value in changes.items():
        if value is None:
            section.pop(name, None)
        else:
            section[name] = value
    try:
        same = _parsed(file, after)[0] == wanted
    except ValueError:
        same = False
    if not same:
        raise ValueError(f"the lines of {file} cannot be changed one by one")
