"""Every setting of the platform, in one place.

Values come from the environment (prefix ``SOLEMATE_``; ``DATABASE_URL`` also without it), from a
``.env`` file in the working directory, and, for secrets, from files in ``/run/secrets`` or the
folder named by ``SOLEMATE_SECRETS_DIR`` (Docker Compose's secrets).
"""

from __future__ import annotations

import os
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds ``app/``, ``sql/``, ``migrations/`` and ``onnx_models/``."""


def default_home() -> Path:
    """The user's data directory; root's lies in /var/lib.

    The embedded server, run as root, opens every parent folder of its data to a system user, which
    would make root's home readable by all.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/solemate")
    return Path(platformdirs.user_data_dir("solemate", appauthor=False))


def _secrets_dir() -> str | None:
    folder = Path(os.environ.get("SOLEMATE_SECRETS_DIR", "/run/secrets"))
    return str(folder) if folder.is_dir() else None


class Settings(BaseSettings):
    """Settings; each field's name in upper case with the prefix ``SOLEMATE_`` sets it."""

    model_config = SettingsConfigDict(
        env_prefix="SOLEMATE_", env_file=".env", extra="ignore", populate_by_name=True
    )

    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "SOLEMATE_DATABASE_URL")
    )
    """libpq URL of the server; absent, the embedded server is used."""
    database_password: SecretStr | None = None
    """Password for ``DATABASE_URL``, apart from it so that it can come from a secret file."""
    database: str = "solemate"
    """Database name in the embedded server."""
    home: Path = Field(default_factory=default_home)
    """Embedded server's data, image files, logs."""
    image_store: Path | None = None
    """Folder of image files; several machines share one (a volume). Default: ``home``/images."""
    pool_size: int = 8
    connect_timeout_s: float = 5.0

    models_dir: Path = ROOT / "onnx_models"
    encoder: str = "solemate-s19"
    """Folder name under ``models_dir`` of the encoder that is registered when none is active."""
    encoder_threads: int = 0
    """Intra-op threads of onnxruntime; 0: chosen from the machine's cores."""

    bot_token: SecretStr | None = None
    bot_api_url: str = "https://api.telegram.org"
    """Base of the Bot API; a local server's address for tests and the browser chat."""
    bot_language: Literal["ru", "en"] | None = None
    """Answer in this language whatever the user's client says; None: the user's."""

    bot_admins: tuple[int, ...] = ()
    """Telegram ids of people who may use /admin; a JSON list."""
    bot_webhook_url: str | None = None
    """Public HTTPS address that Telegram delivers updates to; None: the bot asks for them."""
    bot_webhook_secret: SecretStr | None = None
    """Sent by Telegram with every update: 1 to 256 letters, digits, ``_`` and ``-``."""
    bot_webhook_host: str = "127.0.0.1"
    bot_webhook_port: int = 8443
    """Where the bot listens for the webhook; TLS is a reverse proxy's in front of it."""
    bot_attempts: int = 10
    """Crashes one update may have a part in before it is given up. Not few: everybody's updates
    are in hand at once, and most have no part in what ended the process."""
    bot_user_burst: int = 30
    """Updates one user may send at once; beyond it they are asked to slow down."""
    bot_user_every_s: float = 2.0
    """After a burst, one update more every so many seconds."""

    user_agent: str = "SolemateBot/0.1"
    """What shops see, with ``contact`` behind it."""
    contact: str | None = None
    """Where a shop's people reach the operator: a web page or e-mail address."""
    circuit_wait_s: float = 600.0
    """How long a shop in trouble is left alone; twice as long each time it fails again."""
    fetch_allow_hosts: tuple[str, ...] = ()
    """host or host:port that may be private or loopback (the operator's own)."""

    fx_sources: dict[str, str] = {
        "cbr": "https://www.cbr.ru/scripts/XML_daily.asp",
        "ecb": "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
    }
    """Where the central banks' daily rates are read; a JSON object, empty: none are."""

    max_image_bytes: int = 25_000_000
    max_image_pixels: int = 50_000_000

    exact_limit: int = 4000
    """Candidate images up to which a filtered search scans exactly instead of walking HNSW."""
    results: int = 8
    """Products on one page of results."""
    dream_generator: str = "sketch"
    """Who draws dreamt shoes: sketch (the project's own renderer), images-api or diffusion."""
    images_api_url: str = "https://api.openai.com/v1"
    """Base of a server that speaks the OpenAI images API."""
    images_api_key: SecretStr | None = None
    images_api_model: str = "gpt-image-1"
    images_api_size: str = "1024x1024"
    images_api_price: Decimal = Decimal("0.05")
    """What the operator reckons a picture costs, in dollars: the daily limit counts by it."""
    images_api_daily_limit: Decimal = Decimal("0.50")
    """Dollars of pictures a user may have a day (UTC)."""
    images_api_timeout_s: float = 90.0
    diffusion_model: Path | None = None
    """Folder that `solemate dream export-model` made."""
    diffusion_steps: int = 4
    diffusion_guidance: float = 0.0
    """0 for SD-Turbo, 1 to 2 for LCM, about 7 for models that were not made for few steps."""
    diffusion_strength: float = 0.6
    """How much of a picture an edit may change, above 0 to 1."""
    diffusion_size: int = 0
    """Side of its pictures in pixels; 0: what the model was made for."""
    diffusion_threads: int = 0
    """Threads of the process that draws; 0: half of the machine's cores."""
    diffusion_time_limit_s: float = 300.0

    log_level: str = "WARNING"
    """Of commands; the bot and the scheduler log from INFO."""

    @property
    def agent(self) -> str:
        """The User-Agent header: the name and where its operator is reached."""
        return f"{self.user_agent} (+{self.contact})" if self.contact else self.user_agent

    @property
    def images_dir(self) -> Path:
        """Where image files lie, named by content hash."""
        return self.image_store or self.home / "images"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings, read once."""
    return Settings(_secrets_dir=_secrets_dir())  # type: ignore[call-arg]  # pydantic-settings' own
