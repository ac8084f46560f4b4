"""The errors that speak to the person at the terminal.

    CommandError            exit 2  the call, the machine or the configuration
    ├── ServerError         exit 2  a server could not be started or reached
    ├── ManifestError       exit 2  a manifest file, with the key that is wrong
    └── ServerGone          exit 1  a server that did answer no longer does: there is no result

A result that is not as documented is no error: it is a verdict, and exit code 1.
"""

__all__ = ["CommandError", "ManifestError", "ServerError", "ServerGone"]


class CommandError(Exception):
    """Something a person can mend: `str(error)` says what was wrong, `hint` what to type next."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ServerError(CommandError):
    """A database server could not be started, found or asked."""


class ManifestError(CommandError):
    """remedies.toml or a side's remedy.toml does not say what it must say."""


class ServerGone(CommandError):
    """A server was killed, or froze, under the sides that use it."""

    exit_code = 1
