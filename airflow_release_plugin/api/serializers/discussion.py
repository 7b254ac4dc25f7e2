"""From a thread as somebody sees it to what the API answers."""

from __future__ import annotations

from airflow_release_plugin.schemas.discussion import CommentResponse, ThreadResponse
from airflow_release_plugin.services.discussion.reading import ThreadView


def thread_response(view: ThreadView) -> ThreadResponse:
    """A thread with its comments."""
    thread = view.thread
    kept = {name: getattr(thread, name) for name in ThreadResponse.model_fields if hasattr(thread, name)}
    comments = [CommentResponse.model_validate(comment) for comment in view.comments]
    return ThreadResponse.model_validate({**kept, "line_now": view.line, "comments": comments})
