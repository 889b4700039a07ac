"""``fabroute demo``: the whole product on this machine, on the reference network, with a result worth looking at."""

import csv
import time
from pathlib import Path
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.demo_orders import StreamPart, order_stream
from fabroute.cli.follow import wait_for_batch
from fabroute.cli.imports import rows_from_bodies, send_orders
from fabroute.cli.output import note, stdout
from fabroute.cli.progress import counted_progress
from fabroute.cli.report import euro, line_reports, order_table, outcome_summary
from fabroute.cli.stack import ENVIRONMENT, DemoFailed, Stack, kept_url, remember, running_stack, stop_kept
from fabroute.integrations.reference import reference_folder
from fabroute.kernel.time import utc_now

SETTINGS = {"FABROUTE_WEBHOOKS_TO_THIS_MACHINE": "true"}
"""What differs from other installations: webhooks can be tried on the machine itself."""


def demo(
    orders: Annotated[int, typer.Option(min=1, max=5000, help="How many orders to post.")] = 240,
    seed: Annotated[int, typer.Option(help="Another seed, another order stream.")] = 7,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running at the end.")] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="Stop the demo that was left running, and do nothing else.")
    ] = False,
) -> None:
    """Run fabroute on this machine: start servers, load 60 nodes and 32 parts, route an order stream, show why.

    Needs no installed service and leaves nothing behind (print files are kept in .fabroute for the next run).
    """
    if stop:
        note(
            "the demo that was left running is stopped" if stop_kept() else "no demo was left running from this folder"
        )
        return
    running = kept_url()
    if running and keep:
        raise DemoFailed(f"a demo is running at {running} already: use it, or stop it first with make demo-stop")
    if running:
        note(f"the demo at {running} goes on running; this one has servers of its own")
    _run(count=orders, seed=seed, keep=keep)


def _run(*, count: int, seed: int, keep: bool) -> None:
    started = time.monotonic()
    with counted_progress() as step, running_stack(keep=keep, step=step, settings=SETTINGS) as stack:
        with ApiClient(url=stack.url, key=stack.owner_key) as client:
            rows = rows_from_bodies(order_stream(parts=_stream_parts(), count=count, seed=seed, now=utc_now()))
            posting = time.monotonic()
            result = send_orders(client, orders=rows, step=step, what="orders posted over HTTP")
            wait_for_batch(client, batch="demo", step=step)
            routed_in = time.monotonic() - posting
            found = sorted(client.pages("/v1/orders", batch="demo"), key=lambda order: str(order["reference"]))
        for problem in result.left_out:
            note(f"order {problem.reference} was not taken: {problem.reason}")
        _print_result(found, _runs(stack), routed_in)
        if keep:
            remember(stack)
            _print_next_steps(stack)
    stdout.print(f"wall time {time.monotonic() - started:.1f} s")
    if not keep:
        stdout.print("everything that was started is stopped; make demo KEEP=1 leaves it running to look around")


def _stream_parts() -> list[StreamPart]:
    with (reference_folder() / "parts.csv").open(encoding="utf8", newline="") as handle:
        return [
            StreamPart(
                part_no=row["part_no"], criticality=row["criticality"].lower(), annual_demand=int(row["annual_demand"])
            )
            for row in csv.DictReader(handle)
        ]


def _runs(stack: Stack) -> list[JsonObject]:
    with ApiClient(url=stack.url, key=stack.operator_key) as client:
        return [run for run in client.pages("/v1/routing-runs") if run["kind"] == "joint"]


def _print_result(orders: list[JsonObject], runs: list[JsonObject], routed_in: float) -> None:
    stdout.print(order_table(orders, width=stdout.width))
    stdout.print()
    for sentence in outcome_summary(line_reports(orders)):
        stdout.print(sentence, markup=False)
    for sentence in _comparison(runs):
        stdout.print(sentence, markup=False)
    stdout.print(f"{len(orders)} orders posted, routed and reserved in {routed_in:.1f} s by {len(runs)} joint runs")


def _comparison(runs: list[JsonObject]) -> list[str]:
    plan, baseline = _total(runs, "both_landed_minor"), _total(runs, "baseline_both_landed_minor")
    gaps = [float(str(run["gap"])) for run in runs]
    saved = 100 * (baseline - plan) / baseline if baseline else 0.0
    return [
        f"one by one, cheapest first, on the same snapshots: {euro(baseline)}; jointly: {euro(plan)} on the lines that "
        f"both route ({saved:.2f} % saved); no route {_total(runs, 'baseline_no_route')}, {_total(runs, 'no_route')}",
        f"proven distance to the optimum: at most {100 * max(gaps, default=0):.2f} % in the worst run",
    ]


def _total(runs: list[JsonObject], name: str) -> int:
    return sum(int(str(run[name])) for run in runs)


def _print_next_steps(stack: Stack) -> None:
    stdout.print(
        f"\nstill running at {stack.url} (handbook and quickstarts: {stack.url}/docs)\n"
        f"  . {ENVIRONMENT}                                      # its addresses and keys, for this shell\n"
        "  export PATH=$PWD/.venv/bin:$PATH\n"
        "  fabroute order place AP-0101 --city Hamburg --country DE    # as the parts' owner\n"
        "  fabroute order why demo-0001\n"
        "  fabroute order list --state no_route\n"
        '  curl -H "Authorization: Bearer $FABROUTE_OPERATOR_KEY" $FABROUTE_URL/v1/nodes/N001/jobs\n'
        "  fabroute people invite org_owner you@example.com --role admin    # a link: sign in to the console with it\n"
        f"  the console: {stack.url}/console/    # Order a part finds P-17, a pump, and KP-1987-142, an old number\n"
        "  fabroute doctor\n"
        f"  logs: {Path(stack.folder)}/*.log\n"
        "stop it with: make demo-stop",
        markup=False,
    )
