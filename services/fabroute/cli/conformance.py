"""``fabroute conformance``: tell what a bureau's own client does wrong."""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from fabroute.bureau.conformance.exchanges import Exchange
from fabroute.bureau.conformance.faults import FaultScript
from fabroute.bureau.conformance.judging import Verdict, judge
from fabroute.bureau.conformance.proxy import Recorder, serving_proxy
from fabroute.cli.client import ApiClient
from fabroute.cli.orders import AsJson, Key, as_json_text
from fabroute.cli.output import note, stdout

_COLOURS = {"PASS": "green", "FAIL": "red", "NOT SEEN": "yellow"}
_LOOK_SECONDS = 0.5
_JOBS_WANTED = 3


def conformance(
    url: Annotated[str, typer.Argument(help="Of the fabroute installation; use a test node, its jobs are claimed.")],
    key: Key,
    node: Annotated[str, typer.Option(envvar="FABROUTE_NODE", help="The node whose client is tried.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the client finds the proxy.")] = 8801,
    seconds: Annotated[int, typer.Option(min=1, help="How long to watch; Ctrl-C ends it sooner.")] = 900,
    as_json: AsJson = False,
) -> None:
    """Tell what a bureau's own client does wrong: point it at the proxy that this starts, and let it work.

    On the way some answers are disturbed as they are in the world, each once. It ends when every rule was seen, after
    --seconds, or with Ctrl-C. Exit code 0 if no rule was broken and every one was seen, 1 if one was broken, 2 else.
    """
    _say_what_waits(url, key, node)
    recorder, script = Recorder(), FaultScript()
    with serving_proxy(upstream=url, script=script, recorder=recorder, port=port, on_exchange=_tell) as proxy:
        note(f"point your client at {proxy} instead of {url}; Ctrl-C ends and judges")
        _watch(recorder, seconds)
    verdicts = judge(recorder.log())
    _show(verdicts, as_json=as_json)
    raise typer.Exit(exit_code(verdicts))


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 0 if every rule was seen and kept, 1 if one was broken, 2 if some were not seen."""
    outcomes = {verdict.outcome for verdict in verdicts}
    return 1 if "FAIL" in outcomes else 2 if "NOT SEEN" in outcomes else 0


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """Return the table that the suite ends with."""
    table = Table("rule", "", "what was seen", "what to do", pad_edge=False, header_style="bold")
    for verdict in verdicts:
        colour = _COLOURS[verdict.outcome]
        table.add_row(verdict.rule, f"[{colour}]{verdict.outcome}[/]", _plain(verdict.seen), _plain(verdict.advice))
    return table


def _say_what_waits(url: str, key: str, node: str) -> None:
    with ApiClient(url=url, key=key) as client:
        waiting = client.get(f"/v1/nodes/{node}/jobs", state="offered", limit=_JOBS_WANTED)["data"]
    found = len(waiting) if isinstance(waiting, list) else 0
    note(f"{found} offered job(s) wait at {node}" + ("" if found == _JOBS_WANTED else "; three make every rule seen"))


def _watch(recorder: Recorder, seconds: int) -> None:
    pause = threading.Event()
    try:
        while recorder.seconds() < seconds:
            pause.wait(_LOOK_SECONDS)
            if exit_code(judge(recorder.log())) == 0:
                return
    except KeyboardInterrupt:
        note("stopped: judging what was seen")


def _tell(exchange: Exchange) -> None:
    note(f"{exchange.told}" + (f"   [{exchange.fault}]" if exchange.fault else ""))


def _show(verdicts: Sequence[Verdict], *, as_json: bool) -> None:
    if as_json:
        stdout.print(as_json_text({"rules": [dict(asdict(verdict)) for verdict in verdicts]}), markup=False)
        return
    stdout.print(verdict_table(verdicts))
    counts = {outcome: sum(it.outcome == outcome for it in verdicts) for outcome in _COLOURS}
    stdout.print(f"{counts['PASS']} kept, {counts['FAIL']} broken, {counts['NOT SEEN']} not seen", markup=False)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
