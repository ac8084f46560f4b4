"""Lines of pytest's configuration files, changed where they stand. Pure."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import iniconfig  # what pytest reads them with

# Options by their names: the new value, or None for a line that is to go.
Changes = Mapping[str, str | None]
_OPTION = re.compile(r"""\s*(["']?)(?P<name>asyncio[\w-]*)\1\s*[=:][ \t]*""")


def options_of(file: str, text: str) -> dict[str, str]:
    """The options in pytest's section of a configuration file, as texts. ``file`` is its name, from
    which pytest tells its format. Raises ValueError for a file that cannot be parsed."""
    return {name: str(value) for name, value in _parsed(file, text)[2].items()}


def edited(file: str, text: str, changes: Changes) -> str:
    """The text with these options changed, added to pytest's section or taken out, and every other
    line as it was. Raises ValueError where that cannot be done line by line."""
    toml, end = file.endswith(".toml"), "\r\n" if "\r\n" in text else "\n"
    title, wanted, section = _parsed(file, text)
    section |= changes
    for name in [name for name, value in changes.items() if value is None]:
        del section[name]
    lines = (text if text.endswith(("\n", "\r")) or not text else text + end).splitlines(True)
    headings = [at for at, line in enumerate(lines) if re.match(r"\s*\[" if toml else r"\[", line)]
    own = re.compile(rf"\s*\[\s*{re.escape(title)}\s*\]")
    start = next((at for at in headings if own.match(lines[at])), None)
    if start is None:
        lines += [*([end] if lines else []), f"[{title}]{end}"]
        start = len(lines) - 1
    stop = next((at for at in headings if at > start), len(lines))
    new = {name: f'"{value}"' if toml else value for name, value in changes.items() if value}
    kept: list[str] = []
    place, removed = 0, False
    for line in lines[start + 1 : stop]:
        option = _OPTION.match(line)
        name = option["name"] if option else ""
        if option and name in new:
            value, comment = new.pop(name), re.search(r"\s([#;].*)", line)
            if toml:
                kept.append(re.sub(r"""(=\s*)("[^"]*"|'[^']*')""", rf"\1{value}", line, count=1))
            else:  # where pytest takes a comment behind a value for a part of it
                kept += [comment[1].rstrip() + end] if comment else []
                kept.append(f"{option.group()}{value}{end}")
        elif name not in changes:
            kept.append(line)
        if option and not removed:  # behind the last one, or where one was taken out
            place, removed = len(kept), changes.get(name, "") is None
    kept[place:place] = [f"{name} = {value}{end}" for name, value in new.items()]
    result = "".join([*lines[: start + 1], *kept, *lines[stop:]])
    try:
        if _parsed(file, result)[1] == wanted:
            return result
    except ValueError:
        pass
    raise ValueError(f"the lines of {file} cannot be changed one by one")


def _parsed(file: str, text: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The heading of pytest's section, the whole file, and in it that section, if need be new."""
    if not file.endswith(".toml"):
        title = "tool:pytest" if file.endswith(".cfg") else "pytest"
        try:
            sections = iniconfig.IniConfig(file, text).sections
        except iniconfig.ParseError as error:
            raise ValueError(str(error)) from error
        found = {name: dict(options) for name, options in sections.items()}
        return title, found, found.setdefault(title, {})
    whole = section = tomllib.loads(text)
    table = whole.get("tool", {}).get("pytest", {})
    title = "tool.pytest" if table and "ini_options" not in table else "tool.pytest.ini_options"
    title = "pytest" if file.removeprefix(".") == "pytest.toml" else title
    for name in title.split("."):
        section = section.setdefault(name, {})
    return title, whole, section
