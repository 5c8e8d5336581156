"""Settings; each is read from the environment variable FORESELL_<NAME>, and the defaults suit one machine."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where Foresell stores its files, and where it listens: on loopback by default."""

    model_config = SettingsConfigDict(env_prefix="FORESELL_", extra="ignore")

    home: Path = Field(default=Path("var"), description="folder for everything Foresell writes")
    memory: float | None = Field(
        default=None, gt=0, description="GB of memory that the engine DuckDB may use; empty: most of the machine's"
    )
    temp: Path | None = Field(
        default=None, description="folder for what does not fit into that memory; empty: the system's temporary folder"
    )
    tracking_uri: str = Field(default="", description="MLflow tracking URI; empty: a SQLite file under home")
    database: str = Field(
        default="", description="database of the audit log, as a postgresql:// URL; empty: a SQLite file under home"
    )
    host: str = Field(default="127.0.0.1", description="address that the service listens on")
    port: int = Field(default=3000, ge=1, le=65535, description="port of the prediction API")
    workers: int = Field(default=1, ge=1, description="number of processes of the prediction API")
    keyless: bool = Field(
        default=False, description="answer requests without API keys; allowed only on a loopback address"
    )
    key_secret: SecretStr = Field(
        default=SecretStr(""), description="secret that hashes the API keys; empty: created once in a file under home"
    )
    key_rate: float = Field(default=1000, gt=0, description="requests per second that each API key may send")
    quarantine_share: float = Field(
        default=0.01, ge=0, le=1, description="largest share of a table that may be quarantined"
    )
    job_days: float = Field(default=7, gt=0, description="days for which the result of a batch job is stored")
    idempotency_hours: float = Field(
        default=24, gt=0, description="hours for which an Idempotency-Key's answer is stored"
    )
    stale_seconds: float = Field(
        default=300,
        gt=0,
        description="seconds without an answer from the registry until `foresell_stale` is 1",
    )
    refresh_seconds: float = Field(default=30, gt=0, description="seconds between two checks for a new champion")
