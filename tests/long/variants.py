"""Small changes beside a side of which its README speaks: the variants.toml of the sides."""

from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from scripts.errors import ManifestError
from scripts.paths import ROOT
from scripts.sides.manifest import Manifest, Side, tests_of
from scripts.sides.schema import Names, Table, Text, read


class Edit(Table):
    """`old` becomes `new` in a file, which without a slash is one of the side's folder."""

    file: Text
    old: Text
    new: str

    def path(self, side: Side) -> str:
        """The file in the checkout."""
        return self.file if "/" in self.file else f"{side.folder}/{self.file}"


class Counts(Table):
    opened: int
    left_open: int


class Change(Table):
    """A side with other `options` (ini lines), `arguments` of pytest, `edits`, and `appended` to
    its conftest, and how its run ends.

    `says` is the sentence of the README of the side, or of `said_by`. `fails` is how many tests
    fail, all of them of the sets `among`; of the sets `exchanged` exactly those fail that pass on
    broken/. `logged` counts a text in pytest's output. `beside` is another pytest-asyncio than
    ours, of requirements/versions.
    """

    id: Text
    says: Text
    said_by: str = ""
    beside: str = ""
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environ: dict[str, str] = Field(default_factory=dict)
    appended: str = ""
    edits: tuple[Edit, ...] = ()
    fails: int = Field(ge=0)
    among: Names | tuple[()] = ()
    exchanged: tuple[str, ...] = ()
    logged: dict[str, int] = Field(default_factory=dict)
    counts: Counts | None = None


class File(Table):
    variant: tuple[Change, ...] = Field(min_length=1)


class Variant(NamedTuple):
    """A change, the side that it is of, and the node ids of its `among` and `exchanged`."""

    side: Side
    change: Change
    among: tuple[str, ...]
    exchanged: tuple[str, ...]

    @property
    def id(self) -> str:
        """ "fix-03-and-a-session-cached-fixture"."""
        return f"{self.side.id}-{self.change.id}"


def load(manifest: Manifest, root: Path = ROOT) -> list[Variant]:
    """Every variant of every side. Raises ManifestError with the file and the key."""
    variants = []
    for side in manifest.side:
        name = f"{side.folder}/variants.toml"
        changes = read(root, name, File).variant if (root / name).exists() else ()
        for index, change in enumerate(changes):
            key = f"{name}, key variant.{index}"
            for edit in change.edits:
                if not (root / edit.path(side)).is_file():
                    raise ManifestError(f"{key}.edits: there is no file {edit.path(side)}")
            if change.said_by not in ("", *(other.id for other in manifest.side)):
                raise ManifestError(f"{key}.said_by: there is no side {change.said_by}")
            among = tests_of(change.among, manifest.sets, f"{key}.among")
            exchanged = tests_of(change.exchanged, manifest.sets, f"{key}.exchanged")
            variants.append(Variant(side, change, among, exchanged))
    return variants
