"""The programs of worker and relay."""

from fabroute_workers.commands import relay_module, worker_module


def test_the_worker_runs_a_prefork_pool_without_gossip_and_mingle() -> None:
    command = worker_module(3)
    assert command[:4] == ["celery", "--quiet", "--app", "fabroute_workers.app"]
    assert command[command.index("--pool") + 1] == "prefork"
    assert command[command.index("--concurrency") + 1] == "3"
    queues = "routing,suspects,replanning,network,inventory,production,advice,identity,webhooks,sandbox"
    assert command[command.index("--queues") + 1] == queues
    assert {"--without-gossip", "--without-mingle"} <= set(command)


def test_a_worker_may_serve_some_queues_only() -> None:
    command = worker_module(1, queues=["network"])
    assert command[command.index("--queues") + 1] == "network"


def test_the_relay_is_a_module_of_its_own() -> None:
    assert relay_module() == ["fabroute_workers.relay"]
