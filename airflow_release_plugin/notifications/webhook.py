"""A signed HTTP request for each event, to receivers that an Airflow connection names."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseHook, BaseNotifier

from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.exceptions import InvalidRequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_CONN_ID = "airflow_release_webhook"
_BASE64_MARK = "whsec_"
_SUBJECTS = {
    "gate": "gate",
    "drift": "environment",
    "export": "export",
    "import": "import",
    "digest": "person",
}
"""What a notice is about, by its kind; all others are kinds of releases."""


class WebhookNotifier(BaseNotifier):
    """
    Post what happened to a release or gate as JSON, signed as https://www.standardwebhooks.com says.

    The connection's host is the URL of the receiver, its password the secret that both sides know: plain
    text, or Base64 behind ``whsec_``. Extra may have ``verify_ssl``, ``ca_file`` and ``timeout`` (seconds).
    The body is ``{"type": "release.requested", "timestamp": …, "data": {…}}`` with the notice as ``data``.
    Anything but an answer of 2xx is an error, a redirect too: requests go to the host of the connection and
    nowhere else.

    :param webhook_conn_id: id of the connection
    :param endpoint: path below the connection's URL, for receivers with several; templated
    """

    template_fields: Sequence[str] = ("endpoint",)

    def __init__(self, *, webhook_conn_id: str = DEFAULT_CONN_ID, endpoint: str = "") -> None:
        super().__init__()
        self.webhook_conn_id = webhook_conn_id
        self.endpoint = endpoint

    def notify(self, context: Mapping[str, Any]) -> None:
        """
        Send the notice of ``context``.

        :raises InvalidRequestError: the connection cannot be used
        :raises UnavailableError: the receiver did not answer with 2xx
        """
        # Every task lists the classes of its providers; httpx is loaded by the process that sends only.
        import httpx

        connection = BaseHook.get_connection(self.webhook_conn_id)
        receiver = ClientSettings.from_fields(
            host=connection.host,
            schema=connection.schema,
            port=connection.port,
            password=connection.password,
            extra=connection.extra,
        )
        if not receiver.password:
            raise InvalidRequestError(
                "Connection %(webhook_conn_id)r has no password; put the secret there that signs.",
                webhook_conn_id=self.webhook_conn_id,
            )
        body = payload(context["notice"])
        headers = signed_headers(str(context["notice"].get("id", "")), body, receiver.password)
        with (
            httpx.Client(verify=receiver.tls(), timeout=receiver.timeout, follow_redirects=False) as client,
            # The body of the answer stays unread: it may be endless, and nobody would see it.
            client.stream("POST", self._url(receiver), content=body, headers=headers) as answer,
        ):
            if not answer.is_success:
                raise UnavailableError(
                    "The receiver answered %(status_code)s %(reason_phrase)s.",
                    status_code=answer.status_code,
                    reason_phrase=answer.reason_phrase,
                )

    def _url(self, receiver: ClientSettings) -> str:
        names = [name for name in self.endpoint.split("/") if name]
        if not {".", ".."}.isdisjoint(names):
            # The connection's path is what an administrator allows.
            raise InvalidRequestError(
                "Endpoint %(endpoint)r of the notifier leads out of the path of its connection; "
                "name one below it.",
                endpoint=self.endpoint,
            )
        return "/".join([receiver.base_url, *(quote(name, safe="") for name in names)])


def payload(notice: Mapping[str, Any]) -> bytes:
    """The body of a request."""
    subject = _SUBJECTS.get(notice["kind"], "release")
    event = notice["event"].removeprefix(f"{subject}_")
    return json.dumps(
        {
            "type": f"{subject}.{event}",
            "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "data": dict(notice),
        },
        ensure_ascii=False,
    ).encode()


def signed_headers(notice_id: str, body: bytes, secret: str) -> dict[str, str]:
    """
    The headers by which a receiver sees who sent ``body``, when, and whether it had it before.

    :param notice_id: the same for each attempt at one notification
    :param secret: as the connection has it
    :raises InvalidRequestError: the secret cannot be used
    """
    message_id, moment = f"msg_{notice_id}", str(int(datetime.now(timezone.utc).timestamp()))
    return {
        "content-type": "application/json",
        "user-agent": "airflow-release",
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": signature(message_id, moment, body, secret),
    }


def signature(message_id: str, moment: str, body: bytes, secret: str) -> str:
    """
    HMAC-SHA256 over id, time and body, as version 1 of the specification writes it.

    :param moment: seconds since 1970
    :raises InvalidRequestError: ``secret`` begins with ``whsec_`` and goes on with what is no Base64
    """
    digest = hmac.digest(_key(secret), f"{message_id}.{moment}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(_BASE64_MARK):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(_BASE64_MARK), validate=True)
    except binascii.Error:
        key = b""
    if not key:  # anybody can sign with an empty one
        raise InvalidRequestError(
            "The password of the connection begins with whsec_, but no Base64 follows; copy the whole secret."
        )
    return key
