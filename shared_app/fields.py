"""Field types and the page of a list, shared by every part of the app."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

Item = TypeVar("Item")


Storable = Field(pattern=r"^[^\x00]*$")
"""Marks text that every database here can keep: Postgres has no place for NUL characters."""

# Bounded, so that the number of entries to skip stays within the databases' 64-bit integers.
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=100)]


class Page(BaseModel, Generic[Item]):
    """One page of a list, and how many items the whole list has."""

    items: list[Item]
    total: int
    page: int
    page_size: int
