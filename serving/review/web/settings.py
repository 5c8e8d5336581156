"""Settings of the review pages, each from the environment variable FORESELL_REVIEW_<NAME>."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ForesellError


class ReviewSettings(BaseSettings):
    """The address of the pages (by default loopback), and how long a login lasts."""

    model_config = SettingsConfigDict(env_prefix="FORESELL_REVIEW_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="address the review pages listen on")
    port: int = Field(default=3100, ge=0, le=65535, description="port of the review pages")
    origin: str = Field(
        default="", description="address that people use if there is a TLS proxy, such as https://review.example.com"
    )
    idle_minutes: float = Field(default=60, gt=0, description="minutes without a request after which a login ends")
    login_hours: float = Field(default=10, gt=0, description="hours after which every login ends")
    capacity: int = Field(default=40, ge=1, description="cases that the team can review in a week")

    @property
    def address(self) -> str:
        """Where people find the pages."""
        return self.origin or f"http://{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether people use TLS, so that cookies can be marked secure."""
        return urlsplit(self.origin).scheme == "https"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names that a request may have in its Host header."""
        given = urlsplit(self.origin).hostname
        return ("127.0.0.1", "localhost", "[::1]", *([given] if given else []))


def check_address(settings: ReviewSettings) -> None:
    """ForesellError for an address beyond this machine without TLS, where passwords would be sent in the open."""
    if not settings.secure and not _loopback(settings.host):
        raise ForesellError(
            "Review pages that other machines can reach need a TLS proxy.",
            f"FORESELL_REVIEW_HOST={settings.host} and FORESELL_REVIEW_ORIGIN={settings.origin or '(empty)'}",
            "listen on 127.0.0.1, or set FORESELL_REVIEW_ORIGIN to the proxy's https address",
        )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
