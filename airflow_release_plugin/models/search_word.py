"""The words of names, by which lists are searched: an index of our own, the same on every database."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.domain.text.grams import MOST_LETTERS
from airflow_release_plugin.models.base import Base


class SearchWord(Base):
    """A word, in small letters, of the title of a release or of a name that a unit has or had."""

    __tablename__ = "release_word"

    id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="64 bits of BLAKE2b over it, halved"
    )
    word: Mapped[str] = mapped_column(String(MOST_LETTERS))


class WordGram(Base):
    """Three letters of a word, or a blank and the first one or two of a part of it."""

    __tablename__ = "release_word_gram"

    gram: Mapped[str] = mapped_column(String(3), primary_key=True)
    length: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="letters of the word: the closest come first"
    )
    word_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class TitleWord(Base):
    """A release with the word in its title."""

    __tablename__ = "release_title_word"

    word_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), primary_key=True)


class UnitWord(Base):
    """A unit with the word in its name, a path of it or an id of a DAG, now or once."""

    __tablename__ = "release_unit_word"
    __table_args__ = (Index(None, "unit_id"),)

    word_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("release_unit.id"), primary_key=True)
