"""Twilio's client with another base address; apart, because importing the client takes a while."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client


class RedirectedClient(Client):  # type: ignore[misc] # the library has no types
    """Client that finds Twilio's REST API at `api_url`: a proxy, a simulator, a test."""

    def __init__(self, account_sid: str, auth_token: str, api_url: str, *, timeout: float) -> None:
        http = _RedirectedHttp(api_url, timeout)
        super().__init__(account_sid, auth_token, http_client=http)


class _RedirectedHttp(TwilioHttpClient):  # type: ignore[misc]
    def __init__(self, api_url: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base = api_url.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return super().request(method, self._base + path, *args, **kwargs)

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Say nothing: the addresses and parameters hold phone numbers."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Say nothing, as in `log_request`."""
