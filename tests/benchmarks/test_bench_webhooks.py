from sqlalchemy import Engine

from tests.benchmarks.bench_webhooks import deliver_all, fan_out, publish_alone
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.webhooks import feed_of, given_endpoint, given_organisation
from tests.fakes.receivers import answering, running_receiver


def test_the_benchmark_counts_what_it_does(database: Database) -> None:
    engine: Engine
    with engine_for(database.url) as engine, running_receiver(answering(204)) as receiver:
        given_organisation(engine, "org_owner")
        assert publish_alone(engine, events=10) > 1
        for _ in range(2):
            given_endpoint(engine, "org_owner", url=receiver.url)
        fanned = fan_out(engine, events=20, endpoints=2)
        delivered = deliver_all(engine, seconds=30)

        assert (fanned.events, fanned.deliveries) == (20, 60)  # the ten that were only published are told, too
        assert (delivered.deliveries, delivered.failed) == (60, 0)
        assert len(feed_of(engine, "org_owner").events) == 30
        assert fanned.events_a_second == fanned.events / fanned.seconds
