"""The settings: environment variables, with a .env file behind them. A missing or malformed one is one clear sentence."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from dotenv import dotenv_values


class SettingsError(Exception):
    """A setting, a prompt, an agent or a line of bot.toml is missing or malformed; the text says which and how to mend it."""


@dataclass(frozen=True, repr=False)
class Settings:
    """Every setting as it was given; empty means not set. Secrets are in here, so it has no repr."""

    redis_url: str = ""
    config: Path = Path("bot.toml")
    data: Path = Path(".data")
    model: str = ""
    anthropic_api_key: str = ""
    anthropic_base_url: str = ""
    slack_bot_token: str = ""
    slack_app_token: str = ""
    slack_signing_secret: str = ""
    slack_client_id: str = ""
    slack_client_secret: str = ""
    slack_api_url: str = "https://slack.com/api/"
    email_address: str = ""
    imap_url: str = ""
    smtp_url: str = ""
    email_authserv_id: str = ""
    email_dkim: Literal["", "verify"] = ""
    email_sent_folder: str = ""
    email_oauth_token_url: str = ""
    email_oauth_client_id: str = ""
    email_oauth_client_secret: str = ""
    email_oauth_refresh_token: str = ""
    email_oauth_scope: str = ""
    secret: str = ""
    api_keys: tuple[str, ...] = ()
    operator: str = ""
    retention_days: int = 0  # 0: kept until somebody forgets it
    public_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    log_format: Literal["console", "json"] = "console"
    log_level: str = "INFO"

    def require(self, *variables: str) -> None:
        """Raises SettingsError naming the first of these environment variables that is not set."""
        for variable in variables:
            if not getattr(self, FIELDS[variable]):
                raise SettingsError(f"{variable} is not set: {HINTS.get(variable, 'add it to .env')}.")

    @property
    def slack_on(self) -> bool:
        return bool(self.slack_bot_token) or self.slack_installable

    @property
    def slack_installable(self) -> bool:
        """Whether workspaces may install the app by themselves, beside the one of SLACK_BOT_TOKEN if there is one."""
        return bool(self.slack_client_id and self.slack_client_secret)

    @property
    def email_on(self) -> bool:
        return bool(self.email_address and self.smtp_url)

    @property
    def mails_decide(self) -> bool:
        """Whether anybody vouches for who wrote a mail: the mail server, or the signatures that Parley verifies itself."""
        return bool(self.email_authserv_id or self.email_dkim)


FIELDS = {
    "REDIS_URL": "redis_url",
    "BOT_CONFIG": "config",
    "BOT_DATA": "data",
    "BOT_MODEL": "model",
    "ANTHROPIC_API_KEY": "anthropic_api_key",
    "ANTHROPIC_BASE_URL": "anthropic_base_url",
    "SLACK_BOT_TOKEN": "slack_bot_token",
    "SLACK_APP_TOKEN": "slack_app_token",
    "SLACK_SIGNING_SECRET": "slack_signing_secret",
    "SLACK_CLIENT_ID": "slack_client_id",
    "SLACK_CLIENT_SECRET": "slack_client_secret",
    "SLACK_API_URL": "slack_api_url",
    "EMAIL_ADDRESS": "email_address",
    "IMAP_URL": "imap_url",
    "SMTP_URL": "smtp_url",
    "EMAIL_AUTHSERV_ID": "email_authserv_id",
    "EMAIL_DKIM": "email_dkim",
    "EMAIL_SENT_FOLDER": "email_sent_folder",
    "EMAIL_OAUTH_TOKEN_URL": "email_oauth_token_url",
    "EMAIL_OAUTH_CLIENT_ID": "email_oauth_client_id",
    "EMAIL_OAUTH_CLIENT_SECRET": "email_oauth_client_secret",
    "EMAIL_OAUTH_REFRESH_TOKEN": "email_oauth_refresh_token",
    "EMAIL_OAUTH_SCOPE": "email_oauth_scope",
    "BOT_SECRET": "secret",
    "BOT_API_KEYS": "api_keys",
    "BOT_OPERATOR": "operator",
    "BOT_RETENTION_DAYS": "retention_days",
    "PUBLIC_URL": "public_url",
    "HOST": "host",
    "PORT": "port",
    "LOG_FORMAT": "log_format",
    "LOG_LEVEL": "log_level",
}
HINTS = {
    "SLACK_BOT_TOKEN": "copy the Bot User OAuth Token (xoxb-…) from your Slack app's page OAuth & Permissions into .env",
    "SLACK_APP_TOKEN": "create an app-level token (xapp-…) with connections:write on your Slack app's page Basic Information",
    "SLACK_SIGNING_SECRET": "copy it from your Slack app's page Basic Information into .env",
    "SLACK_CLIENT_ID": "copy it from your Slack app's page Basic Information into .env",
    "SLACK_CLIENT_SECRET": "copy it from your Slack app's page Basic Information into .env",
    "EMAIL_ADDRESS": "write the mailbox's own address into .env, for example agent@example.com",
    "IMAP_URL": "write imaps://user:password@host/INBOX into .env, user and password percent-encoded",
    "SMTP_URL": "write smtps://user:password@host or smtp+starttls://user:password@host into .env",
    "EMAIL_OAUTH_CLIENT_ID": "copy the id of the application that you registered with the mail provider into .env",
    "EMAIL_OAUTH_REFRESH_TOKEN": "docs/email.md says how to get one, once, for the mailbox",
    "BOT_SECRET": "write 32 random characters or more into .env, for example from: openssl rand -hex 32",
    "ANTHROPIC_API_KEY": "put your key into .env, or set BOT_MODEL=scripted for the offline stand-in",
}
PARSED = ("config", "data", "api_keys", "port", "retention_days")
TOKENS = frozenset(
    {"ANTHROPIC_API_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_SECRET"}
    | {"IMAP_URL", "SMTP_URL", "EMAIL_OAUTH_CLIENT_SECRET", "EMAIL_OAUTH_REFRESH_TOKEN"}
    | {"BOT_SECRET", "BOT_API_KEYS", "REDIS_URL"}
)
"""Variables that hold secrets."""


def read_settings(environ: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Settings:
    """The settings of this process: the environment first, then .env. Raises SettingsError."""
    given = {
        **{key: value or "" for key, value in dotenv_values(dotenv).items()},
        **(os.environ if environ is None else environ),
    }
    values = {FIELDS[name]: given[name].strip() for name in FIELDS if given.get(name, "").strip()}
    return _checked(values)


def _checked(values: dict[str, str]) -> Settings:
    made = {name: value for name, value in values.items() if name not in PARSED}
    settings = Settings(
        **made,  # type: ignore[arg-type]  # the literals are checked below
        config=Path(values.get("config", "bot.toml")),
        data=Path(values.get("data", ".data")),
        api_keys=tuple(key.strip() for key in values.get("api_keys", "").split(",") if key.strip()),
        port=_port(values.get("port", "8000")),
        retention_days=_days(values.get("retention_days", "0")),
    )
    _check_url("SLACK_API_URL", settings.slack_api_url, ("https", "http"))
    _check_url("IMAP_URL", settings.imap_url, ("imaps", "imap"))
    _check_url("SMTP_URL", settings.smtp_url, ("smtps", "smtp+starttls", "smtp"))
    _check_url("EMAIL_OAUTH_TOKEN_URL", settings.email_oauth_token_url, ("https", "http"))
    _check_url("REDIS_URL", settings.redis_url, ("redis", "rediss", "unix", "valkey", "redis+sentinel"))
    _check_url("PUBLIC_URL", settings.public_url, ("https", "http"))
    if not settings.slack_api_url.endswith("/api/"):
        raise SettingsError("SLACK_API_URL must end in /api/, for example https://slack.com/api/.")
    if settings.secret and len(settings.secret) < 32:
        raise SettingsError(
            "BOT_SECRET is too short: use at least 32 characters, for example from: openssl rand -hex 32."
        )
    if settings.email_address and not _is_address(settings.email_address):
        raise SettingsError("EMAIL_ADDRESS is no email address: write one such as agent@example.com.")
    if settings.email_dkim not in ("", "verify"):
        raise SettingsError("EMAIL_DKIM is verify, or not set.")
    if settings.log_format not in ("console", "json"):
        raise SettingsError("LOG_FORMAT is console or json.")
    if settings.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingsError("LOG_LEVEL is DEBUG, INFO, WARNING or ERROR.")
    return settings


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingsError("PORT is no port number: write one from 1 to 65535, for example 8000.")
    return int(text)


def _days(text: str) -> int:
    if not text.isdecimal():
        raise SettingsError("BOT_RETENTION_DAYS is no number of days: write one such as 365, or leave it unset.")
    return int(text)


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain) and not any(char.isspace() or char in "<>,;" for char in text)


def _check_url(variable: str, url: str, schemes: tuple[str, ...]) -> None:
    """Never quotes the URL: it may hold a password."""
    if not url:
        return
    try:
        parts: SplitResult = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingsError(f"{variable} is no URL: percent-encode user and password, and give a host.") from None
    if parts.scheme not in schemes:
        raise SettingsError(f"{variable} must start with {' or '.join(scheme + '://' for scheme in schemes)}.")
    if not parts.hostname and parts.scheme != "unix":
        raise SettingsError(f"{variable} names no host.")


def credentials(url: str) -> tuple[str, str]:
    """User and password of a URL, decoded."""
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")
