"""Who in the API may touch every tenant's rows: a short list, each place with its reason."""

import ast
from collections.abc import Iterator, Mapping

from .sources import Module, modules

OF_EVERYONE: Mapping[str, str] = {
    "fabroute.api.callers.oauth": "a client's secret is looked up before anybody is known",
    "fabroute.api.dependencies": "PublicSession: who has no key but knows a secret",
    "fabroute.api.first_start": "the first operator is made where there is nobody yet",
    "fabroute.api.keys": "a key is looked up before anybody is known",
    "fabroute.api.people.cache": "a session's cookie is looked up before anybody is known",
    "fabroute.api.people.desk": "signing in, invitations: people are known by what they type",
    "fabroute.api.people.openid": "signing in by another's word",
    "fabroute.api.problems": "a refusal is kept for the organisation that it concerns, which may not be the caller's",
    "fabroute.api.queues.claimer": "claims of all nodes in one statement; each was checked against its key before",
    "fabroute.api.resources": "books of the whole network, kept in memory and answered from",
}
"""Modules that open a unit of work without a tenant on the pool that may touch everything."""
OF_NOBODY: Mapping[str, str] = {
    "fabroute.api.intake.acceptances": "places belong to nobody",
    "fabroute.api.intake.desk": "places belong to nobody",
}
"""Modules that open a unit of work on the tenants' pool and say no tenant: they find what belongs to nobody."""
PUBLIC: Mapping[str, str] = {"fabroute.api.routers.passports": "the token on a part opens its passport"}
"""Routers whose endpoints use PublicSession."""


def units(module: Module) -> Iterator[tuple[str, bool]]:
    """The engine of every unit of work in a module, and whether it says a tenant."""
    for node in module.nodes():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "unit_of_work":
            said = any(keyword.arg == "tenant" for keyword in node.keywords)
            yield ast.unparse(node.args[0]), said


def of_api() -> list[Module]:
    return [module for module in modules() if module.name.startswith("fabroute.api.")]


def silent(*, on_tenants_pool: bool) -> set[str]:
    """The modules with a unit of work that says no tenant, on that pool or on the other one."""
    return {
        module.name
        for module in of_api()
        for engine, said in units(module)
        if not said and engine.endswith("tenants") == on_tenants_pool
    }


def test_only_listed_places_of_the_api_touch_every_tenants_rows() -> None:
    assert silent(on_tenants_pool=False) == set(OF_EVERYONE)
    assert all(len(reason) > 20 for reason in OF_EVERYONE.values())


def test_who_uses_the_tenants_pool_says_whose_rows() -> None:
    assert silent(on_tenants_pool=True) == set(OF_NOBODY)
    assert {said for module in of_api() for engine, said in units(module) if engine.endswith("(request).tenants")} == {
        True
    }


def test_endpoints_without_a_caller_are_listed() -> None:
    using = {
        module.name
        for module in of_api()
        for node in module.nodes()
        if isinstance(node, ast.arg) and node.annotation is not None and ast.unparse(node.annotation) == "PublicSession"
    }
    assert using == set(PUBLIC)
    assert [name for name in using if not name.startswith("fabroute.api.routers.")] == []


def test_only_services_act_for_everyone() -> None:
    acting = {
        module.name
        for module in modules()
        if "act_for_everyone(session)" in module.text and not module.name.startswith("fabroute.database")
    }
    assert {name.split(".")[1] for name in acting} == {"network", "production"}
    assert all(".service." in name for name in acting)
