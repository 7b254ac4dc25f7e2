"""In which language a page speaks: the one that Airflow's switch says, else what the browser asks for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from flask import Flask, g, request, session
from jinja2 import pass_eval_context
from markupsafe import Markup

from airflow_release_plugin.languages import catalogue, chosen, language, said, said_throughout, speaking
from airflow_release_plugin.messages import Message

if TYPE_CHECKING:
    from jinja2.nodes import EvalContext

    from airflow_release_plugin.domain.identity import Actor

COOKIE = "airflow_release_language"
"""Where ``language.js`` writes down what Airflow's switch says; the switch itself lives in the browser."""
_NOTED = "language"


def speak_to_reader(app: Flask) -> None:
    """Let every page of ``app`` speak the language of who asked for it."""
    app.before_request(_begin)
    app.teardown_request(_end)


def fresh_choice(actor: Actor) -> str | None:
    """
    The language that somebody chose, if it is not known to be kept; asked again, it is.

    The session knows what is kept, so that not every page needs a query for it.
    """
    noted = f"{actor.id} {language()}"
    if COOKIE not in request.cookies or session.get(_NOTED) == noted:
        return None
    session[_NOTED] = noted
    return language()


def install_texts(app: Flask) -> None:
    """Give templates our catalogue, and let them show messages in the reader's language."""
    app.jinja_env.finalize = _shown
    app.jinja_env.filters["said"] = said_throughout  # before a filter that knows only strings
    app.jinja_env.globals.update(gettext=_gettext, ngettext=_ngettext, get_locale=language)
    app.jinja_env.globals.update(language_switch=_switch)


def _switch() -> str:
    """What the request says of Airflow's switch, for ``language.js`` to compare; empty if nothing."""
    return request.cookies.get(COOKIE, "")


def _begin() -> None:
    wanted = chosen(request.cookies.get(COOKIE), request.headers.get("Accept-Language", ""))
    g.language = ExitStack()
    g.language.enter_context(speaking(wanted))


def _end(_error: BaseException | None) -> None:
    # Threads serve one request after another: what one speaks is none of the next one's.
    if "language" in g:
        g.language.close()


def _shown(value: Any) -> Any:
    """What ``{{ value }}`` writes: a message in the reader's language, whatever else as it is."""
    return said(value) if isinstance(value, Message) else value


@pass_eval_context
def _gettext(context: EvalContext, text: str, /, **values: Any) -> str:
    return _filled(context, catalogue(language()).gettext(text), values)


@pass_eval_context
def _ngettext(context: EvalContext, one: str, many: str, num: int, /, **values: Any) -> str:
    return _filled(context, catalogue(language()).ngettext(one, many, num), {"num": num, **values})


def _filled(context: EvalContext, text: str, values: dict[str, Any]) -> str:
    # As Jinja's own i18n extension does it: values are escaped, the text may hold tags.
    template: Callable[[str], str] = Markup if context.autoescape else str
    return template(text) % {name: _shown(value) for name, value in values.items()}
