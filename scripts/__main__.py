"""`python -m scripts ...`: make the virtual environment if it is not there, then run inside it.

This file is read by whatever Python the user has, even 2.7: hence no annotations of functions,
no f-strings, and ASCII only.
"""

import sys

if sys.version_info < (3, 7):  # noqa: UP036 - bootstrap.py finds a newer one, but needs 3.7 itself
    version = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    sys.stderr.write("error: Python " + version + " is too old: this needs 3.11, 3.12 or 3.13.\n")
    sys.stderr.write("Try: python3.11 -m scripts, or make PYTHON=python3.11\n")
    sys.exit(2)

if __name__ == "__main__":
    from scripts import bootstrap

    try:
        bootstrap.enter(sys.argv[1:])
    except bootstrap.SetupError as error:
        sys.stderr.write("error: {}\n".format(error))  # noqa: UP032
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)
    from scripts.cli import run

    sys.exit(run())
