"""What a job looks like on its way in and out."""

from typing import Annotated

from pydantic import BaseModel, Field

from shared_app.fields import Storable

ShortText = Annotated[str, Field(min_length=1, max_length=200), Storable]
Tag = Annotated[str, Field(min_length=1, max_length=50), Storable]


class JobCreate(BaseModel):
    title: ShortText
    company: ShortText
    tags: list[Tag] = Field(default_factory=list, max_length=20)


class Job(BaseModel):
    """A job as it is shown, with the number of times its page was opened."""

    id: str
    title: str
    company: str
    tags: list[str]
    views: int
