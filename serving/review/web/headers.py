"""Headers of every answer: nothing loads from elsewhere, nothing frames a page, nothing keeps one."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
A_YEAR = 31_536_000


class SecurityHeaders:
    """ASGI middleware around everything, error pages too. secure: people come through TLS."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app = app
        self.added = dict(HEADERS)
        if secure:
            self.added["Strict-Transport-Security"] = f"max-age={A_YEAR}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self.added.items():
                    headers[name] = value
                # A style sheet may be kept, and is asked about again; a page about a seller is not kept at all.
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
                message = {**message, "headers": headers.raw}
            await send(message)

        await self.app(scope, receive, with_headers)
