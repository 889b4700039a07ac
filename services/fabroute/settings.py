"""Settings from the environment (prefix ``FABROUTE_``), validated once at the start of a process."""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from fabroute.kernel.errors import DomainError

Profile = Literal["development", "embedded", "production"]

SECRETS_FOLDER_VARIABLE = "FABROUTE_SECRETS_DIR"
"""Names a folder in which each file holds one setting, under the setting's variable as its name: where Docker, Compose,
Kubernetes and systemd put secrets. What the environment says goes before."""

_CREDENTIAL = "secrets"
"""As infra/systemd calls that folder: systemd puts this before its files' names (``LoadCredential=secrets:FOLDER``)."""

_EMBEDDED_SOCKET = re.compile(r"/fabroute-[^/]+/(postgres|redis)\b")

EXAMPLE_DATABASE_URL = "postgresql+psycopg://fabroute@localhost:5432/fabroute"
EXAMPLE_BROKER_URL = "redis://localhost:6379/0"


def _environment_of(given: Mapping[str, Any]) -> str:
    return "live" if given.get("profile") == "production" else "test"


_FOLLOWS = "default_factory_not_called"
"""Of a setting that depends on another, which is told of."""
_PLAIN_WORDS = {
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "float_parsing": "give a number",
    "bool_parsing": "give true or false",
    "finite_number": "give a number",
    "too_short": "give at least {min_length} characters",
    "string_too_long": "give at most {max_length} characters",
    "greater_than": "give more than {gt}",
    "greater_than_equal": "give {ge} or more",
    "less_than_equal": "give {le} or less",
    "literal_error": "give {expected}",
    "string_pattern_mismatch": "what it says does not match {pattern}",
}
"""What people are told of a setting, by pydantic's kind of problem; its own words otherwise."""


class SecretsFolderMissing(DomainError):
    """The folder that is said to hold secrets is none."""

    code = "secrets_folder_missing"
    status = 500


class Settings(BaseSettings):
    """Everything that differs between two installations; nothing else is configurable from outside."""

    # What is wrong is told without what was given: among the settings are passwords.
    # A variable that is empty is none: that is how templates and Compose leave one out.
    model_config = SettingsConfigDict(
        env_prefix="FABROUTE_", extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    profile: Profile = "development"
    database_url: str | None = None
    """The role that serves requests: it owns no table and can't bypass row-level security."""
    migration_database_url: str | None = None
    """The role that owns the tables; ``database_url`` where it is not set."""
    idle_transaction_seconds: float = Field(default=5, gt=0, le=3600)
    """PostgreSQL ends a transaction in which nothing is asked for so long: what a frozen process had locked is free.
    Shorter than the lease of a planning scope, so that another worker can take it over."""
    database_pool_connections: int = Field(default=40, ge=4, le=500)
    """To PostgreSQL, that each of the two pools of an API process may hold. With all that goes on beside them a process
    takes up to twice as many and eight: PostgreSQL's ``max_connections`` has to be enough for all processes."""
    broker_url: str | None = None
    storage_url: str = "file://./.fabroute/print-files"
    """Where print files lie, by SHA-256: ``file://`` folder, ``memory://`` or ``s3://bucket/prefix``."""
    storage_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$", max_length=500)
    """Of an S3 that is not Amazon's (MinIO, Ceph, …); ``http://`` is taken too."""
    storage_access_key_id: SecretStr | None = None
    """For ``s3://``; without it the usual ways count: ``AWS_…`` in the environment, the role of the machine."""
    storage_secret_access_key: SecretStr | None = None
    audit_roots_url: str = "file://./.fabroute/audit-roots"
    """Where signed roots of the audit log are exported to, best where nobody of the database can write or delete."""
    audit_roots_seconds: int = Field(default=3600, ge=60, le=86_400)
    """How often they are exported: what is cut off after the last export leaves no trace."""
    reference_folder: Path | None = None
    environment_name: str = Field(default_factory=_environment_of, pattern=r"^[a-z0-9-]{1,20}$")
    """Stands in every API key (``fr_<environment>_…``), so that people see where a key belongs: ``live`` in production,
    ``test`` elsewhere, unless another word is set."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=1, le=65535)
    console: bool = True
    """Whether the pages for people are served beside the API."""
    intake_queue_size: PositiveInt = 4096
    """Orders waiting for the writers; one more is answered with 429."""
    intake_patience_seconds: float = Field(default=0.2, gt=0, le=60)
    """The longest that an order may have to wait for a writer; where it would be longer, it is answered with 429."""
    intake_writers: PositiveInt = 2
    max_body_bytes: PositiveInt = 1_000_000
    api_key_cache_seconds: float = Field(default=1.0, ge=0, le=1)
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    """How many proxies stand before this installation: so many entries of X-Forwarded-For count, from the right."""
    wrong_keys_a_minute: PositiveInt = 20
    """From one address; whoever tries more waits. Keys that were in use go on working."""
    wrong_keys_in_all_a_minute: PositiveInt = 1_200
    """From all addresses together, a sixth of them at once; beyond that, new keys are tried only from addresses that
    sent a good one before."""

    requests_at_once: PositiveInt = 64
    """That a process answers at the same time; those that wait for something to happen don't count."""
    requests_at_once_of_one: PositiveInt = 32
    """Of one organisation, so that there is always room for another; strangers count as one organisation."""
    requests_waiting: NonNegativeInt = 2_000
    """Of one organisation, for their turn; one more is answered with 429."""
    request_patience_seconds: float = Field(default=0.1, gt=0, le=60)
    """How long a request waits for its turn; what would have to wait longer is answered with 429 at once."""

    rate_limit_default: NonNegativeInt | None = None
    """Requests that an organisation may send a minute to each process; 0: as many as it likes. 6,000 where it is not
    set, in the demo and in tests a hundred times as many."""
    rate_limit_polling: NonNegativeInt | None = None
    """Of queues, events, heartbeats and everything that waits: 12,000."""
    rate_limit_uploads: NonNegativeInt | None = None
    """Of files and tables: 600."""

    max_upload_bytes: PositiveInt = 256 * 2**20
    """Of one print file, document or evidence; the declared length is refused before a byte is read."""
    upload_slots: PositiveInt = 4
    """Uploads that one process takes at the same time; one more is answered with 429."""
    four_eyes: bool = False
    """Whether the key that approves a revision must be another than the ones that uploaded and that release it."""
    signing_key_file: Path = Path(".fabroute/signing-key.pem")
    """The Ed25519 key that signs releases; made on first use, in production by ``fabroute keys signing``."""
    secret_key_file: Path = Path(".fabroute/secret-key")
    """Seals the second factors of people and marks their browsers; made on first use, in production by
    ``fabroute people secret-key``."""
    invitation_days: int = Field(default=7, ge=1, le=90)
    """How long the link that lets a person in is good."""
    password_hashing: Literal["standard", "cheap"] = "standard"
    """``cheap`` is for tests that sign many people in: it protects nothing."""
    password_slots: PositiveInt = 2
    """Passwords that one process compares at the same time, each with 64 MiB; one more waits a little, then 429."""
    oidc_issuer: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$", max_length=500)
    """An OpenID provider that people sign in at, as its own discovery document calls it."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    validation_wall_seconds: float = Field(default=30.0, gt=0, le=30)
    """For one print file; a task has 40 seconds."""
    validation_lease_seconds: int = Field(default=90, ge=60)
    validation_attempt_cap: PositiveInt = 4

    routing_batch_lines: PositiveInt = 200
    routing_seed: int = 1
    routing_deterministic_seconds: PositiveFloat = 4.0
    routing_wall_seconds: float = Field(default=30.0, gt=0, le=30)
    routing_grace_seconds: float = Field(default=5.0, gt=0, le=5)
    """A worker that decides longer than its wall limit by this much hangs, and is ended."""
    worker_memory_mib: int = Field(default=2048, ge=512)
    """That each process of a worker may allocate; the run of a line that wants more breaks, and no other process."""
    routing_lease_seconds: int = Field(default=60, ge=1)
    routing_attempt_cap: PositiveInt = 8
    routing_scope_lines: PositiveInt = 2_000
    """A planning scope in which more lines wait is split into parts that several workers take."""
    routing_scope_lease_seconds: float = Field(default=6.0, ge=1, le=60)
    """After so long without a sign of life of a scope's worker another one takes over."""
    archive_days: int = Field(default=90, ge=1, le=3650)
    """How long runs can be replayed and decided again in the shadow."""
    planning_horizon_days: int = Field(default=45, ge=1, le=365)
    quote_snapshot_seconds: float = Field(default=10.0, ge=0, le=600)
    """How old the network may be that quotes are made from; 0: read for every quote."""

    sandbox_step_seconds: float = Field(default=5.0, ge=0, le=3600)
    """How long the nodes of a sandbox take for each step: with 5 seconds an order is delivered in about a minute."""

    offer_seconds: int = Field(default=900, ge=10, le=86_400)
    """How long a node has to answer an offer or a claim, unless it has a time of its own."""
    lease_seconds: int = Field(default=300, ge=10, le=86_400)
    """How long a client holds an accepted job without a sign of life."""
    heartbeat_seconds: int = Field(default=100, ge=1, le=86_400)
    """How often a client is asked to give one."""
    longest_wait_seconds: int = Field(default=25, ge=0, le=55)
    """How long a request waits at most, whatever it asks for (up to 25); 0: it is answered at once."""

    public_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^\s]+$", max_length=200)
    """Where the world reaches this installation: the codes on papers lead there."""
    paper_font_file: Path | None = None
    """A TrueType or OpenType font for letters on papers beyond Latin, Greek, Cyrillic, Hebrew and Arabic."""
    carrier_folder: Path | None = None
    """Each folder in it is a carrier by its name: manifests are written there, and its statuses read."""

    webhooks_to_this_machine: bool = False
    """Whether webhooks may go to this machine itself, by plain http too: to try them, never in production."""
    event_days: int = Field(default=30, ge=1, le=365)
    """How long events stay in the feed, and can be replayed."""
    outbox_days: int = Field(default=7, ge=1, le=365)
    """How long the outbox keeps what it has told, for whoever looks for a fault."""

    quote_valid_minutes: int = Field(default=60, ge=1, le=43_200)
    """For how long a quote can be accepted; what it needs is not held meanwhile."""

    life_sign_file: Path | None = None
    """Touched by ``fabroute work`` while all its processes run, for ``fabroute alive work``: a health check."""

    metrics_host: str = "127.0.0.1"
    """Where ``/metrics`` is served without a key, on ports of its own: an address that the world doesn't reach."""
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Of the API, with the database's figures; nothing is served there where it isn't set."""
    worker_metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Of workers and relay, one port for all processes of ``fabroute work``."""
    metrics_token: SecretStr | None = Field(default=None, min_length=20)
    """With it ``GET /metrics`` is there on the API's own port, too, for who sends it as a bearer token."""
    metrics_seconds: float = Field(default=5.0, ge=1, le=300)
    """The figures of the database are read no more often, whoever asks, and never for over a twentieth of the time."""
    tracing_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$", max_length=500)
    """A collector of OpenTelemetry (OTLP over HTTP), such as ``http://127.0.0.1:4318``; it takes ``fabroute[tracing]``.
    """
    tracing_ratio: float = Field(default=1.0, ge=0, le=1)
    """How many of all orders are traced."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from: arguments, the environment, then files of secrets."""
        return init_settings, env_settings, _secrets_of(settings_cls)

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _postgres_is_postgresql(cls, url: str | None) -> str | None:
        """Take ``postgres://``, too: PostgreSQL's own programs do, and hosting companies write it so."""
        return re.sub(r"^postgres(?=://|\+)", "postgresql", url) if url else url

    @model_validator(mode="after")
    def _webhooks_stay_outside(self) -> Self:
        if self.profile == "production" and self.webhooks_to_this_machine:
            raise ValueError(
                "FABROUTE_WEBHOOKS_TO_THIS_MACHINE lets every customer reach the ports of this machine: leave it out "
                "in production"
            )
        return self

    @model_validator(mode="after")
    def _keys_of_a_store_come_in_pairs(self) -> Self:
        if (self.storage_access_key_id is None) != (self.storage_secret_access_key is None):
            raise ValueError(
                "an S3 store takes two settings: FABROUTE_STORAGE_ACCESS_KEY_ID and FABROUTE_STORAGE_SECRET_ACCESS_KEY"
            )
        return self

    @model_validator(mode="after")
    def _embedded_servers_stay_in_their_profile(self) -> Self:
        urls = [unquote(url) for url in (self.database_url, self.migration_database_url, self.broker_url) if url]
        if self.profile != "embedded" and any(_EMBEDDED_SOCKET.search(url) for url in urls):
            raise ValueError(
                "FABROUTE_DATABASE_URL or FABROUTE_BROKER_URL points at embedded servers, which are for the demo and "
                "the tests only: point them at servers of your own, or set FABROUTE_PROFILE=embedded"
            )
        return self

    @model_validator(mode="after")
    def _people_are_protected(self) -> Self:
        if self.profile == "production" and self.password_hashing == "cheap":
            raise ValueError("FABROUTE_PASSWORD_HASHING=cheap protects no password: leave it out in production")
        given = [it is not None for it in (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)]
        if any(given) and not all(given):
            raise ValueError(
                "an OpenID provider takes three settings: FABROUTE_OIDC_ISSUER, FABROUTE_OIDC_CLIENT_ID and "
                "FABROUTE_OIDC_CLIENT_SECRET"
            )
        return self


def setting_problems(error: ValidationError) -> str:
    """Return what is wrong with settings, by their variables, without what was given: it may be a password."""
    problems = error.errors(include_input=False)
    return "; ".join(_setting_problem(problem) for problem in problems if problem["type"] != _FOLLOWS)


def _setting_problem(problem: ErrorDetails) -> str:
    place, message = problem["loc"], problem["msg"].removeprefix("Value error, ")
    words = _PLAIN_WORDS.get(problem["type"])
    if words is not None:
        message = words.format(**problem.get("ctx", {}))
    return f"FABROUTE_{str(place[0]).upper()}: {message}" if place else message


def _secrets_of(settings_class: type[BaseSettings]) -> SecretsSettingsSource:
    """Return the source of settings that stand in files of the folder that the environment names."""
    folder = os.environ.get(SECRETS_FOLDER_VARIABLE)
    if folder and not Path(folder).is_dir():
        raise SecretsFolderMissing(
            f"{SECRETS_FOLDER_VARIABLE} is {folder}, which is no folder: mount the secrets there, or leave it out"
        )
    return _SecretFiles(settings_class, secrets_dir=folder or None)


class _SecretFiles(SecretsSettingsSource):
    """Reads files that are called as settings are, or so by systemd."""

    @classmethod
    def find_case_path(cls, dir_path: Path, file_name: str, case_sensitive: bool) -> Path | None:
        """Return the file of that name, ``None`` where there is none."""
        names = (file_name, f"{_CREDENTIAL}_{file_name}")
        paths = (super(_SecretFiles, cls).find_case_path(dir_path, name, case_sensitive) for name in names)
        return next((path for path in paths if path is not None), None)


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
