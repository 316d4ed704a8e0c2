"""Events and interactivity over HTTP: signed requests to the app's request URL.

https://docs.slack.dev/apis/events-api, https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import json
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from channels.sandbox.slack.clock import now_ts
from channels.sandbox.slack.errors import Unacknowledged
from channels.sandbox.slack.outbox import ACK_SECONDS
from channels.sandbox.slack.roster import Json


class Push:
    def __init__(self, request_url: str, signing_secret: str) -> None:
        self._request_url = request_url
        self._signature = SignatureVerifier(signing_secret)

    @property
    def is_open(self) -> bool:
        return True

    async def carry(self, kind: str, payload: Json, *, tries: int = 0, reason: str = "") -> Json:
        request = self._request(
            kind, payload, {"x-slack-retry-num": str(tries), "x-slack-retry-reason": reason} if tries else {}
        )
        try:
            return await asyncio.wait_for(asyncio.to_thread(_send, request), ACK_SECONDS)
        except TimeoutError:
            raise Unacknowledged("http_timeout") from None

    def _request(self, kind: str, payload: Json, retry: dict[str, str]) -> urllib.request.Request:
        content_type, body = _encoded(kind, payload)
        timestamp = now_ts().split(".")[0]
        signature = self._signature.generate_signature(timestamp=timestamp, body=body) or ""
        headers = {
            "content-type": content_type,
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": signature,
            **retry,
        }
        return urllib.request.Request(self._request_url, body.encode(), headers, method="POST")  # noqa: S310 - ours


def _encoded(kind: str, payload: Json) -> tuple[str, str]:
    match kind:
        case "events_api":
            return "application/json", json.dumps(payload)
        case "interactive":
            return "application/x-www-form-urlencoded", urlencode({"payload": json.dumps(payload)})
        case _:
            return "application/x-www-form-urlencoded", urlencode(payload)


def _send(request: urllib.request.Request) -> Json:
    try:
        with urllib.request.urlopen(request, timeout=ACK_SECONDS) as response:  # noqa: S310 - the developer's own URL
            return _acknowledgement(response)
    except urllib.error.HTTPError as refused:
        raise Unacknowledged("http_error", retry=refused.headers.get("x-slack-no-retry") != "1") from None
    except TimeoutError:
        raise Unacknowledged("http_timeout") from None
    except (OSError, HTTPException):
        raise Unacknowledged("connection_failed") from None


def _acknowledgement(response: HTTPResponse) -> Json:
    body = response.read().decode()
    if not body:
        return {}
    if response.headers.get_content_type() == "application/json":
        return json.loads(body)  # type: ignore[no-any-return]
    return {"text": body}
