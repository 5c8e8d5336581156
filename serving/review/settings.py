"""Settings of the review pages, each from the environment variable FORESELL_REVIEW_<NAME>."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import ForesellError


class ReviewSettings(BaseSettings):
    """How the pages listen, and how long a login holds. Loopback unless a TLS proxy stands in front."""

    model_config = SettingsConfigDict(env_prefix="FORESELL_REVIEW_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="address the review pages listen on")
    port: int = Field(default=3100, ge=0, le=65535, description="port of the review pages")
    origin: str = Field(
        default="", description="address that people use, as https://review.example.com, where a TLS proxy is in front"
    )
    idle_minutes: float = Field(default=60, gt=0, description="a login ends after so long without a request")
    login_hours: float = Field(default=10, gt=0, description="a login ends after so long in any case")
    capacity: int = Field(default=40, ge=1, description="cases that the team can review in a week")

    @property
    def address(self) -> str:
        """Where people find the pages."""
        return self.origin or f"http://{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether people come through TLS, so that cookies may say so."""
        return urlsplit(self.origin).scheme == "https"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names that a request may be addressed to."""
        given = urlsplit(self.origin).hostname
        return ("127.0.0.1", "localhost", "[::1]", *([given] if given else []))


def check_address(settings: ReviewSettings) -> None:
    """Logins travel in the open without TLS: an address beyond this machine needs the proxy's https origin."""
    if not settings.secure and not _loopback(settings.host):
        raise ForesellError(
            "Beyond this machine the review pages need a TLS proxy in front.",
            f"FORESELL_REVIEW_HOST={settings.host} and FORESELL_REVIEW_ORIGIN={settings.origin or '(empty)'}",
            "listen on 127.0.0.1, or set FORESELL_REVIEW_ORIGIN to the proxy's https address",
        )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
