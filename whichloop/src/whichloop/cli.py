"""The command ``whichloop``: read a log, or draw a recording."""

import argparse
import sys
from pathlib import Path

from whichloop import recording
from whichloop.logs import decode, read_log, report
from whichloop.present.lanes import draw_lanes, needs_ascii

NOTHING, USAGE = 1, 2


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
    lanes.add_argument("--width", type=int, default=80, help="columns, at least 60 (default 80)")
    lanes.add_argument("--all", action="store_true", help="draw every loop, also those alike")
    lanes.add_argument(
        "--test",
        action="append",
        metavar="NODEID",
        help="draw only the loops of this test and of what it used; can be given more than once",
    )
    options = parser.parse_args(arguments)
    try:
        raw = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
    except OSError as error:
        return _fail(f"cannot read {options.file}: {error.strerror or error}")
    return (_explain if options.command == "explain" else _lanes)(raw, options)


def _fail(words: str, status: int = USAGE) -> int:
    print(f"whichloop: {words}", file=sys.stderr)
    return status


def _explain(raw: bytes, options: argparse.Namespace) -> int:
    where = "standard input" if options.file == "-" else options.file
    if not raw.strip():
        return _fail(f"{where} is empty")
    text = decode(raw)
    if text is None:
        return _fail(f"{where} is not text: give it the log itself, unpacked")
    reading = read_log(text)
    if reading is None:
        return _fail(f"no message of several event loops in {where}", NOTHING)
    _print(report(reading))
    return 0


def _lanes(raw: bytes, options: argparse.Namespace) -> int:
    plain = options.ascii or needs_ascii(sys.stdout.encoding)
    try:
        recorded = recording.of_text(raw)
        lines = draw_lanes(
            recorded, width=options.width, ascii=plain, tests=options.test, every=options.all
        )
    except recording.RecordingError as error:
        return _fail(f"cannot draw {options.file}: {error}")
    except ValueError as error:  # too narrow
        return _fail(str(error))
    _print(lines)
    return 0


def _print(lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


if __name__ == "__main__":
    sys.exit(main())
