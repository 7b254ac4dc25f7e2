"""Shapes that every noun shares."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from airflow_release_plugin.languages import said_throughout

ItemT = TypeVar("ItemT")
MAX_ID = 2**31 - 1
"""Largest value of an integer column on every database."""

RowId = Annotated[int, Field(ge=1, le=MAX_ID)]
Name = Annotated[str, Field(min_length=1, max_length=250)]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError("is in no year from 1 to 9999 in UTC") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with its zone, in UTC: in the first and the last year some have none there."""

_MAX_DEPTH = 20
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(value: Any) -> Any:
    """
    Return ``value`` if everything in it, at any depth, can be stored on every database.

    :raises ValueError: a text with NUL, which PostgreSQL has not, or with half a surrogate pair; a number
        that is not finite, which JSON has not; nesting without end
    """
    _refuse_unstorable(value, 0)
    return value


def _refuse_unstorable(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise ValueError("text with a NUL character or half a surrogate pair cannot be stored")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number must be finite")
    for item in (
        [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        _refuse_unstorable(item, depth + 1)


class ResponseModel(BaseModel):
    """Base of everything that the API answers; reads attributes of models and dataclasses."""

    model_config = ConfigDict(from_attributes=True)

    _said = field_validator("*", mode="before")(said_throughout)


class RequestModel(BaseModel):
    """Base of everything that the API takes; unknown fields are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    _storable = field_validator("*", mode="before")(storable)


class Collection(ResponseModel, Generic[ItemT]):
    """
    One page of a list.

    ``total_entries`` counts up to 10,000; ``has_uncounted`` says that there are more.
    """

    items: list[ItemT]
    total_entries: int
    has_uncounted: bool = False


class ErrorResponse(BaseModel):
    """Body of every error."""

    error: str
    detail: Any
    context: dict[str, Any] = {}


class PersonResponse(ResponseModel):
    """A person, by the auth manager's id and login name."""

    id: str
    name: str


class FileResponse(ResponseModel):
    """One file of a unit and why it belongs to it."""

    path: str
    mode: int
    blob: str
    size: int
    kind: str = "module"
    reason: str = ""
