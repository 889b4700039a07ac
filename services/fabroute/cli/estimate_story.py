"""Estimates and constants as a person reads them: times, price rows, and where each figure comes from."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.report import euro
from fabroute.estimation.sources import Mark

WIDE = 120
"""Columns from which on sources stand beside their figures."""
MARK_STYLES = {
    Mark.MEASURED: "bold green",
    Mark.STATED: "green",
    Mark.VENDOR: "cyan",
    Mark.SECOND_HAND: "yellow",
    Mark.MEMORY: "yellow",
    Mark.ASSUMPTION: "red",
}
_INDENT = (0, 0, 0, 2)


def estimates_report(found: JsonObject, *, width: int) -> RenderableType:
    """Return what it takes to print a part, from the API's answer: all machines, then the cheapest in full."""
    estimates = _objects(found["estimates"])
    pieces = "1 piece" if found["quantity"] == 1 else f"{_int(found['quantity']):,} pieces"
    head = Text.assemble(
        (f"{found['part']} {found['revision']}", "bold"), f" ({found['revision_state']}), {pieces}, production only"
    )
    parts: list[RenderableType] = [head]
    if found["warning"]:
        parts.append(Text(f"  {found['warning']}", "bold red"))
    if estimates:
        parts += [Padding(_summary_table(estimates, wide=width >= WIDE), _INDENT, expand=False)]
        parts += [*_left_out(found), Text()]
        parts += list(_in_full(estimates[0], width=width))
    else:
        parts.append(Text("  no machine can print it", "red"))
    return Group(*parts, *_unable(found))


def constants_table(constants: Iterable[JsonObject], *, width: int) -> Table:
    """Return constants of the estimates, one a line: its mark, what it belongs to, its value and its source."""
    wide = width >= WIDE
    table = _table()
    table.add_column("mark", no_wrap=True)
    table.add_column("of", overflow="fold", max_width=36 if wide else 18)
    table.add_column("constant", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", overflow="fold")
    if wide:
        table.add_column("source", overflow="fold", ratio=1)
    for constant in constants:
        subject, source = Text(str(constant["subject"]) or "all estimates"), [Text(str(constant["source"]), "dim")]
        table.add_row(_mark(constant), subject, *_figure_cells(constant), *(source if wide else ()))
    return table


def _summary_table(estimates: Sequence[JsonObject], *, wide: bool) -> Table:
    table = _table()
    for heading in ("machine", *(("at", "model") if wide else ()), "material", *(("set",) if wide else ())):
        table.add_column(heading, overflow="fold")
    for heading in ("build P50", "P90", "price", "each", "CO2e"):
        table.add_column(heading, justify="right", no_wrap=True)
    for it in estimates:
        cells = (
            str(it["machine_id"]),
            *((f"{it['city']} {it['country']}", str(it["model"])) if wide else ()),
            str(it["material"]),
            *((str(it["parameter_set"]),) if wide else ()),
            duration(_int(it["build_minutes_p50"])),
            duration(_int(it["build_minutes_p90"])),
            _money(it["price"]),
            _money(it["unit_price"]),
            f"{_int(it['co2e_g']) / 1000:,.2f} kg",
        )
        table.add_row(*map(Text, cells))
    return table


def _left_out(found: JsonObject) -> Iterator[Text]:
    more = _int(found["able"]) - len(_objects(found["estimates"]))
    if more > 0:
        yield Text(f"  and {more} more machines that cost more (--limit)", "dim")


def _in_full(it: JsonObject, *, width: int) -> Iterator[RenderableType]:
    place = f"{it['node_id']} {it['city']} {it['country']}"
    yield Text.assemble((str(it["machine_id"]), "bold"), f" · {it['model']} · {place}")
    yield Text(f"  {it['process']} {it['material']}, parameter set {it['parameter_set']}")
    for line in (*_time_lines(it), *_material_lines(it), _learnt_line(it)):
        yield Text(f"  {line}")
    yield Text()
    yield Padding(_price_table(it), _INDENT, expand=False)
    yield Text()
    figures = _objects(it["figures"])
    yield Text.assemble("  ", "figures behind it: ", _mark_counts(figures))
    yield Padding(_figure_table(figures, wide=width >= WIDE), _INDENT, expand=width >= WIDE)


def _time_lines(it: JsonObject) -> Iterator[str]:
    builds = "one build" if it["builds"] == 1 else f"each of {it['builds']} builds"
    yield (
        f"{builds} of up to {it['parts_per_build']} takes {duration(_int(it['build_minutes_p50']))}, "
        f"nine of ten are done in {duration(_int(it['build_minutes_p90']))}"
    )
    yield (
        f"these pieces take {duration(_int(it['machine_minutes_p50']))} of the machine "
        f"(P90 {duration(_int(it['machine_minutes_p90']))}), then {duration(_int(it['off_machine_minutes']))} "
        "beside it"
    )


def _material_lines(it: JsonObject) -> Iterator[str]:
    yield (
        f"{_int(it['material_grams']):,} g of material for {_int(it['net_grams']):,} g of parts, "
        f"{_int(it['energy_wh']) / 1000:,.1f} kWh, {_int(it['co2e_g']) / 1000:,.2f} kg CO2e"
    )


def _learnt_line(it: JsonObject) -> str:
    learnt = it["learnt_from"]
    if not isinstance(learnt, dict):
        return "nothing was learnt here yet: times are those of the data sheet"
    prints = _int(learnt["good_prints"]) + _int(learnt["failed_prints"])
    builds, day = _counted(_int(learnt["builds"]), "build"), str(learnt["learnt_at"])[:10]
    return f"learnt from {builds} and {_counted(prints, 'print')} ({learnt['good_prints']} good), last on {day}"


def _price_table(it: JsonObject) -> Table:
    table = _table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for row in _objects(it["breakdown"]):
        if row["amount_minor"]:
            table.add_row(Text(str(row["code"]).replace("_", " ")), euro(_int(row["amount_minor"])))
    table.add_row(Text("price", "bold"), Text(_money(it["price"]), "bold"))
    return table


def _figure_table(figures: Sequence[JsonObject], *, wide: bool) -> Table:
    table = _table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold", no_wrap=wide)
    if wide:
        table.add_column(overflow="fold", ratio=1)
    for figure in sorted(figures, key=_rank):
        source = [Text(str(figure["source"]), "dim")]
        table.add_row(_mark(figure), *_figure_cells(figure), *(source if wide else ()))
    return table


def _mark_counts(figures: Sequence[JsonObject]) -> Text:
    counts = [(mark, sum(figure["mark"] == mark for figure in figures)) for mark in Mark]
    words = [Text(f"{count} {mark}", MARK_STYLES[mark]) for mark, count in counts if count]
    return Text(", ").join(words)


def _unable(found: JsonObject) -> Iterator[Text]:
    """Yield those that can't: each that is near it with its reasons, the others by their number."""
    unable, total = _objects(found["exclusions"]), _int(found["unable"])
    near = [it for it in unable if not _prints_something_else(it)]
    if unable:
        yield Text(f"\n{total} can't:", "bold")
    for it in near:
        reasons = "; ".join(f"{reason['code']}: {reason['message']}" for reason in _objects(it["reasons"]))
        yield Text(f"  {it['machine_id']} {it['material']} {it['parameter_set']}: {reasons}")
    if len(near) < len(unable):  # the others stand last, so all that were not shown are like them
        allowed = ", ".join(_texts(found["process_materials"])) or "nothing yet"
        yield Text(f"  {total - len(near)} print something else, the part may be of {allowed}")
    elif total > len(unable):
        yield Text(f"  and {total - len(unable)} more (--limit)", "dim")


def _prints_something_else(it: JsonObject) -> bool:
    return any(reason["code"] == "PROCESS_MATERIAL" for reason in _objects(it["reasons"]))


def duration(minutes: int) -> str:
    """Return minutes as people say them: ``45 min``, ``10 h 41``, ``3 d 4 h``."""
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 100:
        return f"{hours} h {rest:02d}"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def _table(*, show_header: bool = True) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", show_header=show_header)


def _mark(figure: JsonObject) -> Text:
    mark = Mark(str(figure["mark"]))
    return Text(mark, MARK_STYLES[mark])


def _rank(figure: JsonObject) -> int:
    return list(Mark).index(Mark(str(figure["mark"])))


def _figure_cells(figure: JsonObject) -> list[Text]:
    value = float(str(figure["value"]))
    return [Text(str(figure["code"])), Text(f"{value:,.6g}"), Text(str(figure["unit"]), "dim")]


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _money(amount: Json) -> str:
    return euro(_int(amount["amount_minor"])) if isinstance(amount, dict) else ""


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0
