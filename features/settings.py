"""Settings, each from the environment variable FORESELL_<NAME>; the defaults suit one machine."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where Foresell keeps its files, and how it listens. Loopback unless told otherwise."""

    model_config = SettingsConfigDict(env_prefix="FORESELL_", extra="ignore")

    home: Path = Field(default=Path("var"), description="folder for everything Foresell writes")
    tracking_uri: str = Field(default="", description="MLflow tracking URI; empty: a SQLite file under home")
    database: str = Field(
        default="", description="where the records are kept, as a postgresql:// URL; empty: a SQLite file under home"
    )
    host: str = Field(default="127.0.0.1", description="address the service listens on")
    port: int = Field(default=3000, ge=1, le=65535, description="port of the prediction API")
    workers: int = Field(default=1, ge=1, description="processes of the prediction API")
    keyless: bool = Field(
        default=False, description="answer this machine without API keys; refused on any other address than loopback"
    )
    key_secret: SecretStr = Field(
        default=SecretStr(""), description="what the API keys are hashed with; empty: a file under home, made once"
    )
    key_rate: float = Field(default=1000, gt=0, description="requests a second that an API key may make")
    quarantine_share: float = Field(
        default=0.01, ge=0, le=1, description="largest share of a table that may be quarantined"
    )
    job_days: float = Field(default=7, gt=0, description="how long the result of a batch job is kept")
    idempotency_hours: float = Field(default=24, gt=0, description="how long an Idempotency-Key keeps its answer")
    stale_seconds: float = Field(
        default=300, gt=0, description="how long the registry may not answer before the gauge `foresell_stale` says so"
    )
    refresh_seconds: float = Field(default=30, gt=0, description="how often the service looks for a new champion")
