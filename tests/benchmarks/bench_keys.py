"""What ten thousand wrong keys a minute do to a client with a good one.

``python -m tests.benchmarks.bench_keys [SECONDS=60] [A_MINUTE=10000]``: one API process, real PostgreSQL; a client
that reads 50 times a second, alone, then beside somebody who tries keys from one address, then from 500. The API
learns addresses from one trusted proxy, as behind a load balancer.
"""

import asyncio
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from fabroute import migrations
from fabroute.identity.rules import make_token
from fabroute_embedded import embedded_servers
from tests.benchmarks.bench_files import processor
from tests.benchmarks.served_processes import Served, served_processes
from tests.factories.credentials import given_keyed
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.wire import Wire, wire

A_MINUTE, SECONDS = 10_000, 60.0
ALLOWED_A_MINUTE, ALLOWED_IN_ALL = 20, 1_200
ADDRESSES = 500
_READS_A_SECOND = 50
_CONNECTIONS = 8
_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """Who tries how many keys a minute, from how many addresses."""

    name: str
    a_minute: int
    addresses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it."""

    milliseconds: Sequence[float]
    """Of each read of the good client, sorted."""
    good: Counter[int]
    tried: Counter[int]
    cpu_seconds: float
    transactions: int

    def percentile(self, share: float) -> float:
        """Return the time within which so many of the good client's reads were answered."""
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]


def main(*arguments: str) -> int:
    """Print the figures; return 1 if a good client was refused, or wrong keys of one address were not."""
    given = dict(argument.split("=", 1) for argument in arguments)
    seconds, a_minute = float(given.get("SECONDS", SECONDS)), int(given.get("A_MINUTE", A_MINUTE))
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    attacks = (
        Attack(name="nobody tries keys", a_minute=0, addresses=1),
        Attack(name=f"{a_minute:,} a minute from one address", a_minute=a_minute, addresses=1),
        Attack(name=f"{a_minute:,} a minute from {ADDRESSES} addresses", a_minute=a_minute, addresses=ADDRESSES),
    )
    with embedded_servers(durable=True) as servers:
        urls = servers.postgres.create_database("bench")
        migrations.upgrade(urls.migration_url)
        with engine_for(urls.url, connections=2) as engine:
            results = [measure(engine, urls.url, attack, seconds=seconds) for attack in attacks]
    for attack, result in zip(attacks, results, strict=True):
        print(_sentence(attack, result))
    return int(not all(_is_as_promised(*pair, seconds) for pair in zip(attacks, results, strict=True)))


def measure(engine: Engine, url: str, attack: Attack, *, seconds: float) -> Result:
    """Return what a good client meets beside an attack, on a fresh API process."""
    token = given_keyed(engine).token
    limits = {"wrong_keys_a_minute": ALLOWED_A_MINUTE, "wrong_keys_in_all_a_minute": ALLOWED_IN_ALL}
    with served_processes(url, 1, trusted_proxies=1, rate_limit_default=0, **limits) as (api,):
        return asyncio.run(_measure(engine, api, token, attack, seconds))


async def _measure(engine: Engine, api: Served, token: str, attack: Attack, seconds: float) -> Result:
    async with wire(api.socket, token) as client:
        await client.get("/v1/organisation")
        transactions, cpu, until = _transactions(engine), api.cpu_seconds(), time.monotonic() + seconds
        reading = asyncio.create_task(_read(client, until))
        trying = [_try(api, attack, number, until) for number in range(_CONNECTIONS if attack.a_minute else 0)]
        tried = sum(await asyncio.gather(*trying), Counter[int]())
        times, good = await reading
        cpu = api.cpu_seconds() - cpu
    await asyncio.sleep(1.5)  # PostgreSQL counts with a delay
    return Result(
        milliseconds=sorted(times),
        good=good,
        tried=tried,
        cpu_seconds=cpu,
        transactions=_transactions(engine) - transactions,
    )


async def _read(client: Wire, until: float) -> tuple[list[float], Counter[int]]:
    times, statuses, due = [], Counter[int](), time.monotonic()
    while due < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        answer = await client.get("/v1/organisation", X_Forwarded_For="203.0.113.9")
        times.append((time.monotonic() - due) * 1e3)  # from when it was due: who waits in a queue is not forgotten
        statuses[answer.status] += 1
        due += 1 / _READS_A_SECOND
    return times, statuses


async def _try(api: Served, attack: Attack, number: int, until: float) -> Counter[int]:
    statuses, pause, tries, due = Counter[int](), 60 * _CONNECTIONS / attack.a_minute, 0, time.monotonic()
    async with wire(api.socket, "") as connection:
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            guess = make_token(environment="test", key_id=f"key_{number}x{tries}")
            at = (number + tries * _CONNECTIONS) % attack.addresses
            address = f"198.51.{100 + at // 250}.{at % 250}"
            answer = await replace(connection, token=guess).get("/v1/orders", X_Forwarded_For=address)
            statuses[answer.status] += 1
            tries, due = tries + 1, due + pause
    return statuses


def _transactions(engine: Engine) -> int:
    return int(str(in_transaction(engine, lambda session: rows(session, _TRANSACTIONS))[0][0]))


def _sentence(attack: Attack, result: Result) -> str:
    figures = ", ".join(f"p{int(share * 100)} {result.percentile(share):.1f}" for share in (0.5, 0.95, 0.99))
    tried = ", ".join(f"{count:,} x {status}" for status, count in sorted(result.tried.items())) or "none"
    return (
        f"{attack.name}: {sum(result.good.values()):,} reads ({figures} ms), wrong keys {tried}; "
        f"{result.transactions:,} transactions, {result.cpu_seconds:.1f} s of processor"
    )


def _is_as_promised(attack: Attack, result: Result, seconds: float) -> bool:
    is_served = set(result.good) == {200}
    of_addresses = ALLOWED_A_MINUTE * attack.addresses * (1 + seconds / 60)
    most = min(of_addresses, ALLOWED_IN_ALL * (1 / 6 + seconds / 60)) + _CONNECTIONS
    return is_served and set(result.tried) <= {401, 429} and result.tried[401] <= most


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
