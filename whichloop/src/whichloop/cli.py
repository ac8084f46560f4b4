"""The command ``whichloop``: read a log, draw a recording, or advise a project."""

import argparse
import re
import sys
from pathlib import Path

from whichloop.advise import advise
from whichloop.diagnose.codes import CODES, page
from whichloop.logs import decode, read_log, report
from whichloop.present.html import draw_html, html_page
from whichloop.present.lanes import draw_lanes, needs_ascii
from whichloop.present.section import in_words, lines_of, under
from whichloop.present.svg import draw_svg
from whichloop.recording import RecordingError, of_text
from whichloop.tree import replace, unclean


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 for an answer, 1 for a log that says nothing, 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="whichloop", description="Which object lives on which event loop."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    explain = commands.add_parser("explain", help="a traceback or log in, cause and cures out")
    explain.add_argument("file", nargs="?", default="-", help="a file, or - for standard input")
    lanes = commands.add_parser("lanes", help="draw a recording of --whichloop-record")
    lanes.add_argument("file", help="the recording")
    lanes.add_argument("--ascii", action="store_true", help="use signs of ASCII only")
    lanes.add_argument("--width", type=int, help="columns, at least 60 (default 80)")
    lanes.add_argument("--all", action="store_true", help="draw every loop, also those alike")
    only = "draw only the loops of this test and of what it used; can be given more than once"
    lanes.add_argument("--test", action="append", metavar="NODEID", help=only)
    picture = "draw an SVG picture, to standard output or to PATH"
    lanes.add_argument("--svg", nargs="?", const="-", metavar="PATH", help=picture)
    cure = commands.add_parser("advise", help="the smallest cure of a project, as a diff")
    cure.add_argument("dir", nargs="?", default=".", type=Path, help="the project (default: here)")
    cure.add_argument("--apply", action="store_true", help="write the change after showing it")
    seen = "a recording of a run of it, whose failures are to be cured, too"
    cure.add_argument("--recording", metavar="PATH", type=Path, help=seen)
    html = commands.add_parser("report", help="a recording as a page of HTML: lanes and findings")
    html.add_argument("file", help="the recording")
    html.add_argument("--html", default="-", metavar="PATH", help="write it to PATH")
    html.add_argument("--fragment", action="store_true", help="only what goes into a page of yours")
    options = parser.parse_args(arguments)
    if options.command == "advise":
        return _advise(options.dir, options.recording, options.apply)
    where = "standard input" if options.file == "-" else options.file
    encoding = sys.stdout.encoding or "ascii"
    try:
        code = options.command == "explain" and re.fullmatch(r"WL\d+", options.file)
        is_code = code and not Path(options.file).exists()
        read = sys.stdin.buffer.read if options.file == "-" else Path(options.file).read_bytes
        if is_code:
            lines = _page(options.file)
        elif options.command == "explain":
            lines = _explain(read(), where)
        elif options.command == "report":
            lines = [(draw_html if options.fragment else html_page)(of_text(read()))]
        else:
            lines = _lanes(options, read(), encoding)
    except OSError as error:
        return _fail(f"cannot read {options.file}: {error.strerror or error}")
    except RecordingError as error:
        return _fail(f"cannot draw {options.file}: {error}")
    except ValueError as error:  # no text, or too narrow
        return _fail(str(error))
    if not lines:
        return _fail(f"no message of several event loops in {where}", 1)
    path = getattr(options, "svg", None) or getattr(options, "html", None)
    if path not in (None, "-"):
        return _write(path, "\n".join([*lines, ""]), options.file)
    _show(lines)
    return 0


def _show(lines: list[str]) -> None:
    encoding = sys.stdout.encoding or "ascii"
    text = "\n".join([*lines, ""])
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _advise(folder: Path, recording: Path | None, apply: bool) -> int:
    """Show the advice, and write it if that is asked for and nothing can be lost."""
    try:
        changed = unclean(folder) if apply and folder.is_dir() else ""
        advice = advise(folder, recording.read_bytes() if recording else None)
        if advice.status == 2:
            return _fail("\n".join(advice.lines))
        _show(advice.lines)
        if not apply or advice.text is None:
            return advice.status
        if changed:
            return _fail(f"not applied: commit or stash what git shows as changed: {changed}")
        copy = replace(advice.path, advice.text)
    except RecordingError as error:
        return _fail(f"cannot read {recording}: {error}")
    except OSError as error:
        return _fail(f"cannot read or write {error.filename}: {error.strerror or error}")
    _show([f"applied to {advice.path}{f'; what it was is in {copy}' if copy else ''}"])
    return advice.status


def _write(path: str, text: str, recording: str) -> int:
    """Write a picture to a file, which must not be the recording that it is of."""
    try:
        if Path(path).exists() and recording != "-" and Path(path).samefile(recording):
            return _fail(f"cannot write {path}: it is the recording itself")
        Path(path).write_text(text, "ascii")
    except OSError as error:
        return _fail(f"cannot write {path}: {error.strerror or error}")
    return 0


def _fail(words: str, status: int = 2) -> int:
    print(f"whichloop: {words}", file=sys.stderr)
    return status


def _lanes(options: argparse.Namespace, raw: bytes, encoding: str) -> list[str]:
    """A recording's picture, as lines. Raises ValueError for options that do not go together."""
    recordings, tests, every = of_text(raw), options.test, options.all
    if options.svg is None:
        ascii = options.ascii or needs_ascii(encoding)
        width = 80 if options.width is None else options.width
        return draw_lanes(recordings, width=width, ascii=ascii, tests=tests, every=every)
    if options.ascii or options.width is not None:
        raise ValueError("--ascii and --width are for the picture in text: leave out --svg or them")
    return [draw_svg(recordings, tests, every)]


def _page(code: str) -> list[str]:
    """What a code means and what cures it. Raises ValueError for one that there is not."""
    found = page(code)
    if found is None:
        raise ValueError(f"there is no {code}; the codes are {', '.join(CODES)}")
    name = f"{found.code} {found.name}: {found.meaning}"
    return lines_of([("", f"{name}."), ("", found.more), *under("Cure", in_words(found.cures))])


def _explain(raw: bytes, where: str) -> list[str]:
    """What a log tells, as lines; none if that is nothing. Raises ValueError for what is no log."""
    if not raw.strip():
        raise ValueError(f"{where} is empty")
    text = decode(raw)
    if text is None:
        raise ValueError(f"{where} is not text: give it the log itself, unpacked")
    reading = read_log(text)
    return report(reading) if reading is not None else []
