"""
Texts for people, as templates and values.

Whatever has something to tell makes a :class:`Message`. It is an English string, so that logs, the command
line, hashes and programs see plain text; and it remembers what it was made of, so that the edge that shows
it to a person can say it in that person's language. The columns of ``models/message_types.py`` keep both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeAlias

MessageValue: TypeAlias = "str | int | float | list[MessageValue] | None"
"""What a message keeps of a value: a number, a text or another message, or several of these."""

TEMPLATE_KEY = "$message"
FIELD = re.compile(r"%(?:\((\w+)\)([sdr])|%)")
_STORED_KEYS = {TEMPLATE_KEY, "values", "many", "count"}
_STORED_START = f'{{"{TEMPLATE_KEY}"'
MOST_RESTORED = 200_000
"""Characters of a message that is read back: a few that name one another would fill any memory."""


class Message(str):
    """
    A text for people.

    :param template: English, with ``%(name)s``, ``%(name)d`` or ``%(name)r`` for each value; translators
        get it as it stands, so it is a literal
    :param values: by name; a message, or an error with one, is translated with the message around it, several
        values are listed, and what is neither text nor number counts as its text
    """

    template: str
    many: str | None
    number: int
    values: Mapping[str, MessageValue]

    def __new__(cls, template: str, /, **values: object) -> Message:
        return cls._made(template, None, 1, {name: message_value(value) for name, value in values.items()})

    @classmethod
    def _made(
        cls, template: str, many: str | None, count: int, values: Mapping[str, MessageValue]
    ) -> Message:
        message = str.__new__(cls, fill(template if many is None or count == 1 else many, values))
        message.template, message.many, message.number, message.values = template, many, count, values
        return message

    def __reduce__(self) -> tuple[Any, ...]:
        return Message._made, (self.template, self.many, self.number, dict(self.values))

    def stored(self) -> dict[str, Any]:
        """The message as JSON keeps it; :func:`restored` reads it."""
        plural = {} if self.many is None else {"many": self.many, "count": self.number}
        values = {name: keep_messages(value) for name, value in self.values.items()}
        return {TEMPLATE_KEY: self.template, "values": values, **plural}


def counted(one: str, many: str, count: int, /, **values: object) -> Message:
    """
    A message with a plural: ``one`` says it for a count of 1, ``many`` for all others.

    ``%(num)s`` stands for the number in both.
    """
    shown = {"num": count, **{name: message_value(value) for name, value in values.items()}}
    return Message._made(one, many, count, shown)


def message_value(value: object) -> MessageValue:
    """What a message keeps of ``value``: plain data that JSON can hold."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        return str(value)
    if isinstance(value, Iterable):
        return [message_value(each) for each in value]
    told = getattr(value, "message", None) if isinstance(value, BaseException) else None
    return told if isinstance(told, Message) else str(value)


def fill(
    template: str,
    values: Mapping[str, MessageValue],
    *,
    say: Callable[[str], str] = str,
    separator: str = ", ",
) -> str:
    """
    Put values into a template; a name without value stays as it stands.

    :param say: turns a value that is a text into the words that are shown
    :param separator: between the parts of a value that is a list
    """

    def word(value: Any) -> str:
        if isinstance(value, str):
            return say(value)
        return separator.join(map(word, value)) if isinstance(value, (list, tuple)) else str(value)

    words: dict[str, str] = {}  # however often a template names a value, it is said once

    def field(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "%"
        if name not in values:
            return match[0]
        if match[2] == "r":
            return repr(values[name])
        if name not in words:
            words[name] = word(values[name])
        return words[name]

    return FIELD.sub(field, template)


def keep_messages(value: Any) -> Any:
    """The same JSON value, with each message in it, at any depth, as :meth:`Message.stored`."""
    if isinstance(value, Message):
        return value.stored()
    if isinstance(value, Mapping):
        return {key: keep_messages(each) for key, each in value.items()}
    return [keep_messages(each) for each in value] if isinstance(value, (list, tuple)) else value


def restored(value: Any) -> Any:
    """The reverse of :func:`keep_messages`."""
    if isinstance(value, dict):
        if TEMPLATE_KEY in value and value.keys() <= _STORED_KEYS:
            return _restored_message(value)
        return {key: restored(each) for key, each in value.items()}
    return [restored(each) for each in value] if isinstance(value, list) else value


def _restored_message(stored: Mapping[str, Any]) -> Message:
    # What a task reports comes from outside: whatever its shape, it becomes text and nothing else.
    values = stored.get("values")
    restored_values = (
        {str(name): restored(each) for name, each in values.items()} if isinstance(values, dict) else {}
    )
    template = str(stored[TEMPLATE_KEY])
    many, count = stored.get("many"), stored.get("count", 1)
    many = many if isinstance(many, str) else None
    if _is_endless(template, restored_values) or (many and _is_endless(many, restored_values)):
        return Message("%(text)s", text=template[:MOST_RESTORED])
    return Message._made(
        template,
        many,
        count if isinstance(count, int) else 1,
        restored_values,
    )


def _is_endless(template: str, values: Mapping[str, Any]) -> bool:
    lengths = {name: _length_of(value) for name, value in values.items()}
    if len(template) * (1 + max(lengths.values(), default=0)) <= MOST_RESTORED:
        return False  # nearly all of them: pages read thousands
    filled = sum(lengths.get(field[1], 0) for field in FIELD.finditer(template))
    return len(template) + filled > MOST_RESTORED


def _length_of(value: Any) -> int:
    if isinstance(value, list):
        return sum(_length_of(each) + 2 for each in value)
    return len(value if isinstance(value, str) else str(value))


def as_text(value: str) -> str:
    """A text for a column of text: a message with all that it was made of, anything else as it is."""
    if not isinstance(value, Message) and value.startswith(_STORED_START):
        # Somebody's own words, which must come back as they are and not as the message that they claim to be.
        value = Message("%(text)s", text=value)
    return json.dumps(value.stored(), ensure_ascii=False) if isinstance(value, Message) else value


def from_text(text: str) -> str:
    """The reverse of :func:`as_text`; what only looks like a message stays a text."""
    if not text.startswith(_STORED_START):
        return text
    try:
        value = restored(json.loads(text))
    except ValueError:
        return text
    return value if isinstance(value, Message) else text


class _TravelsAsMessage:
    """How pydantic takes and gives a text that may be a message: as a string, or as it is stored."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema as schema  # whoever reports nothing needs no pydantic

        return schema.no_info_plain_validator_function(
            _as_message_text, serialization=schema.plain_serializer_function_ser_schema(keep_messages)
        )

    def __get_pydantic_json_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string"}


def _as_message_text(value: Any) -> str:
    text = restored(value)
    if not isinstance(text, str):
        raise ValueError("must be a text")  # noqa: TRY004 (pydantic takes no other)
    return text if isinstance(text, Message) else text.strip()


MessageField = Annotated[str, _TravelsAsMessage()]
"""Type of a field of a body or dataclass that keeps a message whole on its way to the server."""


def together(parts: Iterable[object], separator: str = " ") -> Message:
    """Several texts after one another, each of which stays what it is: sentences, or lines."""
    values = {f"part{number}": part for number, part in enumerate(parts, 1)}
    return Message(separator.replace("%", "%%").join(f"%({name})s" for name in values), **values)


def shortened(text: str, most: int) -> str:
    """A text of at most ``most`` characters; one that is cut is plain text from then on."""
    return text if len(text) <= most else text[:most]
