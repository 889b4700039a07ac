"""Whether rows have changed since somebody looked, without reading them: for whoever waits for a change."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psycopg import AsyncConnection, sql

Source = tuple[str, str]
"""A table, and its column that names what is waited for."""


async def read_versions(
    connection: AsyncConnection[Any], sources: Sequence[Source], *, keys: Collection[str]
) -> Mapping[str, str]:
    """Return by key what is different once one of its rows in ``sources`` was added, changed or removed.

    The transactions that wrote the rows (``xmin``) tell it, whatever the tables' columns are.
    """
    found = await connection.execute(_statement(sources), {"keys": list(keys)})
    return {str(key): str(version) for key, version in await found.fetchall()}


def _statement(sources: Sequence[Source]) -> sql.Composed:
    rows = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {0} AS key, xmin::text AS version FROM {1} WHERE {0} = ANY(%(keys)s)").format(
            sql.Identifier(column), sql.Identifier(table)
        )
        for table, column in sources
    )
    return sql.SQL("SELECT key, string_agg(version, ' ' ORDER BY version) FROM ({}) AS row GROUP BY key").format(rows)
