"""The world of the matrix: two sides with one of everything, and whoever might ask for it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.api.matrix.making import Ids, Making, make_all
from tests.api.matrix.sides import OTHERS, SIDES, VICTIM, Side, given_network, given_organisations, given_part
from tests.factories.api import Api, served_api
from tests.factories.databases import engine_for
from tests.factories.orders import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What stays of a made world when nobody serves it: its keys and ids; its files lie in a folder."""

    folder: Path
    owner: Owner
    tokens: Mapping[str, str]
    ids: Mapping[str, Ids]
    """By the owner's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A served world with a client of everyone, by the names of ``audiences``."""

    api: Api
    recipe: Recipe
    clients: Mapping[str, httpx.Client]

    def ids_of(self, side: Side) -> Ids:
        """Return what stands at the paths of a side."""
        return self.recipe.ids[side.owner]


KEYS: Mapping[str, str | None] = {
    "owner": VICTIM.owner,
    "bureau": VICTIM.bureau,
    "other owner": OTHERS.owner,
    "other bureau": OTHERS.bureau,
    "operator": "operator",
    "revoked": "revoked",
    "nobody": None,
}
"""Whose key each caller has."""

_NO_LIMIT = 1_000_000
"""The revoked key is tried at every operation."""


def make_world(url: str, folder: Path) -> Recipe:
    """Fill the empty database at ``url``, and ``folder`` with the files."""
    with engine_for(url) as engine:
        tokens = given_organisations(engine)
        given_network(engine)
        owners = {side.owner: given_part(engine, side, token=tokens[side.owner]) for side in SIDES}
    alpha = owners[VICTIM.owner]
    with _serving(url, alpha, folder) as api, ExitStack() as opened:
        sides = [_making(api, side, owners[side.owner], tokens, opened) for side in SIDES]
        make_all(*sides)
    return Recipe(folder=folder, owner=alpha, tokens=tokens, ids={it.side.owner: it.ids for it in sides})


def _making(api: Api, side: Side, owner: Owner, tokens: Mapping[str, str], opened: ExitStack) -> Making:
    return Making(
        api=api,
        side=side,
        revision_id=owner.revision_id,
        owner=opened.enter_context(api.as_(tokens[side.owner])),
        bureau=opened.enter_context(api.as_(tokens[side.bureau])),
        folder=opened.enter_context(TemporaryDirectory()),
    )


@contextmanager
def a_world(url: str, recipe: Recipe) -> Iterator[World]:
    """Serve the world whose rows lie in the database at ``url``."""
    with _serving(url, recipe.owner, recipe.folder) as api, ExitStack() as opened:
        clients = {
            who: opened.enter_context(api.as_(None if key is None else recipe.tokens[key])) for who, key in KEYS.items()
        }
        yield World(api=api, recipe=recipe, clients=clients)


@contextmanager
def _serving(url: str, owner: Owner, folder: Path) -> Iterator[Api]:
    store, key = f"file://{folder}/files", folder / "signing-key.pem"
    with served_api(url, owner=owner, storage_url=store, signing_key_file=key, wrong_keys_a_minute=_NO_LIMIT) as api:
        yield api
