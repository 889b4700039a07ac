"""What a bureau tells its connector: from flags, then the environment, then a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fabroute.kernel.errors import DomainError

Cancellations = Literal["ask", "agree_unstarted"]
PrinterKind = Literal["octoprint", "moonraker", "prusalink"]
_ENVIRONMENT: Mapping[str, str] = {
    "url": "FABROUTE_URL",
    "key": "FABROUTE_API_KEY",
    "node": "FABROUTE_NODE",
    "folder": "FABROUTE_BUREAU_FOLDER",
    "script": "FABROUTE_BUREAU_SCRIPT",
    "public_keys": "FABROUTE_PUBLIC_KEYS",
}
_PRINTERS = ("octoprint", "moonraker", "prusalink")
_CANCELLATIONS = ("ask", "agree_unstarted")
MOST_OFFLINE_HOURS = 720


class BureauMisconfigured(DomainError):
    """Something that the connector needs to know is missing or can't be right."""

    code = "bureau_misconfigured"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptancePolicy:
    """Which jobs are accepted; all others are declined with the reason."""

    materials: frozenset[str] = frozenset()
    """Empty: every material."""
    machines: frozenset[str] = frozenset()
    """Ids of machines; empty: every machine of the node."""
    max_open: int = 10
    """No more is claimed while so many jobs are open here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterAccess:
    """Where a printer is, and how it lets the connector in."""

    kind: PrinterKind
    url: str
    key: str = ""
    user: str = "maker"
    password: str = ""
    storage: str = "usb"


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauSettings:
    """All that a connector is told."""

    url: str
    key: str
    node: str
    folder: Path
    policy: AcceptancePolicy = field(default_factory=AcceptancePolicy)
    script: tuple[str, ...] = ()
    """A command that is started with the packet's folder as its last word."""
    printer: PrinterAccess | None = None
    public_keys: tuple[str, ...] = ()
    """Ed25519 keys in base64 that releases may be signed with, pinned; none: the one that the installation gives."""
    cancellations: Cancellations = "ask"
    wait_seconds: int = 20
    """How long a claim may wait at the server for a job."""
    watch_seconds: int = 30
    """How often the node's list of jobs is looked at, unless the server wants it less often."""
    offline_hours: int = 0
    """Over 0: each accepted job is held by a lease that needs no heartbeat for so long."""


def load_settings(
    *, flags: Mapping[str, object], environment: Mapping[str, str], config: Path | None
) -> BureauSettings:
    """Return the settings: a flag goes before the environment, and that before the file. ``BureauMisconfigured``."""
    told = _from_file(config) if config is not None else {}
    told |= {name: environment[variable] for name, variable in _ENVIRONMENT.items() if environment.get(variable)}
    told |= {name: value for name, value in flags.items() if value is not None}
    return BureauSettings(
        url=_required(told, "url").rstrip("/"),
        key=_required(told, "key"),
        node=_required(told, "node"),
        folder=Path(_required(told, "folder")).expanduser().resolve(),
        policy=_policy(told),
        script=_words(told.get("script", ())),
        printer=_printer(told.get("printer")),
        public_keys=_words(told.get("public_keys", ())),
        cancellations=_cancellations(told.get("cancellations", "ask")),
        wait_seconds=_number(told, "wait_seconds", default=20, most=25),
        watch_seconds=_number(told, "watch_seconds", default=30, least=1, most=3600),
        offline_hours=_number(told, "offline_hours", default=0, most=MOST_OFFLINE_HOURS),
    )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as content:
            told = tomllib.load(content)
    except OSError as error:
        raise BureauMisconfigured(f"can't read {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise BureauMisconfigured(f"{path} is no TOML: {error}") from error
    accept: dict[str, Any] = told.pop("accept", {})
    return accept | told


def _required(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str | Path) or not str(value):
        raise BureauMisconfigured(
            f"{name} is needed: give --{name}, set {_ENVIRONMENT[name]}, or write {name} into the --config file"
        )
    return str(value)


def _policy(told: Mapping[str, Any]) -> AcceptancePolicy:
    return AcceptancePolicy(
        materials=frozenset(_words(told.get("materials", ()))),
        machines=frozenset(_words(told.get("machines", ()))),
        max_open=_number(told, "max_open", default=10, least=1, most=1000),
    )


def _printer(told: object) -> PrinterAccess | None:
    if told is None:
        return None
    if not isinstance(told, dict) or told.get("kind") not in _PRINTERS or not isinstance(told.get("url"), str):
        raise BureauMisconfigured(f"[printer] needs a kind ({', '.join(_PRINTERS)}) and the url of the printer")
    unknown = sorted(set(told) - {"kind", "url", "key", "user", "password", "storage"})
    if unknown:
        raise BureauMisconfigured(
            f"[printer] knows no {', '.join(unknown)}: use kind, url, key, user, password, storage"
        )
    return PrinterAccess(**told)


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise BureauMisconfigured('script, materials, machines and public_keys are lists of words, such as ["PA12"]')


def _cancellations(value: object) -> Cancellations:
    if value == "ask":
        return "ask"
    if value == "agree_unstarted":
        return "agree_unstarted"
    raise BureauMisconfigured(f"cancellations is one of {', '.join(_CANCELLATIONS)}")


def _number(told: Mapping[str, Any], name: str, *, default: int, most: int, least: int = 0) -> int:
    value = told.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BureauMisconfigured(f"{name} is a whole number from {least} to {most}")
    return value
