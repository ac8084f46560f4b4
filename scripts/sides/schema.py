"""The manifest files as they are written: remedies.toml, and the remedy.toml of each side."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from scripts.errors import ManifestError
from scripts.verdict.words import Kind, Outcome

Text = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Table(BaseModel):
    """A table of a manifest: a key that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Documented(Table):
    """What is documented of some tests of a side, with one sentence of why.

    `tests` are named sets of tests, groups, modules or node ids.
    """

    tests: Names
    outcome: Outcome
    kind: Kind | None = None
    driver: str | None = None
    why: str = Field(min_length=20)

    @field_validator("why")
    @classmethod
    def why_is_explained(cls, why: str) -> str:
        """`outcomes --write` leaves this word where a person must say why."""
        if why.startswith("UNEXPLAINED"):
            raise ValueError("this outcome was accepted from a run and not explained yet")
        return why

    @model_validator(mode="after")
    def failure_has_a_kind(self) -> Self:
        """A failure says which message it is; a pass has none."""
        if (self.outcome not in ("passed", "skipped", "flaky")) != (self.kind is not None):
            raise ValueError(f"kind must be given for a failure and only then ({self.outcome})")
        return self


class Remedy(Table):
    """A remedy.toml. `same_as` maps other sides, broken among them, to the sets of tests that end
    here as they do there and for the same reason; what `outcome` documents goes before it.
    """

    title: Text
    source: Text
    # The files that differ from broken/; the wrappers count as "test_*.py".
    changes: Names
    # One sentence of why it cures what it cures, and one of when to choose it.
    why: Text
    when: Text
    # It takes all connections of the server: nothing else may run beside it.
    alone: bool = False
    same_as: dict[str, Names] = {}
    outcome: tuple[Documented, ...] = ()


class Broken(Table):
    """What remedies.toml says of the broken side."""

    title: Text
    source: Text
    outcome: tuple[Documented, ...]


class Step(Table):
    """One question of the guide, and the remedies that answer it."""

    question: Text
    answer: Text
    sides: Names


class Practice(Table):
    """A piece of common advice, what the runs say of it, and the remedies that follow it."""

    id: str = Field(pattern=r"^P[1-8]$")
    text: Text
    finding: Text
    sides: Names


class Common(Table):
    """remedies.toml: what belongs to no side but broken/. `tests` maps a group to its node ids,
    `sets` a name to node ids, modules, groups, and sets that stand before it.
    """

    schema_version: Literal[2]
    # The remedy that `make fix` runs, and the sides of `make tour`.
    recommended: str
    tour: Names
    tests: dict[Literal["mongo", "postgres", "control"], tuple[str, ...]]
    sets: dict[str, Names]
    broken: Broken
    guide: tuple[Step, ...]
    practice: tuple[Practice, ...]


File = TypeVar("File", bound=Table)


def read(root: Path, name: str, model: type[File]) -> File:
    """Read the manifest file `name` below `root`. Raises ManifestError with the key at fault."""
    try:
        return model.model_validate(tomllib.loads((root / name).read_text("utf-8")))
    except OSError as error:
        raise ManifestError(f"cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ManifestError(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{name} is not TOML: {error}") from None
    except ValidationError as error:
        raise ManifestError(f"{name}, {first_mistake(error, model)}") from None


def first_mistake(error: ValidationError, model: type[Table]) -> str:
    """The key and what is wrong with it. Of several mistakes an unknown key comes first: where
    `titel` is written, `title` is missing too, and that is not what must be mended."""
    first = min(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    # pydantic adds a part of its own to the path where a key of a dictionary is wrong.
    location = [part for part in first["loc"] if part != "[key]"]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = table_at(location[:-1], model).model_fields
        close = get_close_matches(str(location[-1]), known, 1)
        expected = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        message = f"there is no such key here; {expected}"
    return f"key {'.'.join(map(str, location))}: {message}"


def table_at(location: list[int | str], model: type[Table]) -> type[Table]:
    """The model of the table at ("outcome", 0) of a file."""
    for part in location:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            types = (kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type))
            model = next((kind for kind in types if issubclass(kind, Table)), model)
    return model
