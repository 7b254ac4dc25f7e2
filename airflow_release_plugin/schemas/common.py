"""Shapes that every noun shares."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

ItemT = TypeVar("ItemT")


class ResponseModel(BaseModel):
    """Base of everything that the API answers; reads attributes of models and dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class RequestModel(BaseModel):
    """Base of everything that the API takes; unknown fields are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Collection(ResponseModel, Generic[ItemT]):
    """One page of a list."""

    items: list[ItemT]
    total_entries: int


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
