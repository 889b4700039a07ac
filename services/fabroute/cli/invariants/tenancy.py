"""Rules about tenants: the database itself keeps them apart."""

from collections.abc import Mapping, Sequence

from fabroute.cli.invariants.rule import Invariant

BELONG_TO_NOBODY: Mapping[str, str] = {
    "alembic_version": "the revision of the schema",
    "audit_watermark": "how far the audit log is sealed, one row for all",
    "carbon_factors": "public figures: grams of CO2 by mode of transport",
    "carrier_tariffs": "what carriers ask of everybody, stated by the operator",
    "duty_rules": "customs tariffs, public",
    "exchange_rates": "public figures",
    "feed_breaks": "between which positions a restore took events out of the feeds",
    "grid_intensities": "public figures: grams of CO2 a kilowatt-hour by country",
    "installation": "the id of this installation, one row",
    "machine_models": "what manufacturers say of their machines",
    "materials": "what materials are, for everybody",
    "places": "cities and where they are",
    "planning_scopes": "leases of workers on scopes, named by process and country",
    "sign_in_attempts": "counts by hashed address, before anybody is known",
}
"""Tables without a tenant, each with what is in it; every other table must have row-level security."""

_NOBODYS = ", ".join(f"'{table}'" for table in sorted(BELONG_TO_NOBODY))
_WRITERS = (
    "SELECT DISTINCT r.oid, r.rolname, r.rolsuper, r.rolbypassrls FROM pg_class c"
    " CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee"
    " WHERE c.oid = 'orders'::regclass AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner"
)

RULES: Sequence[Invariant] = (
    Invariant(
        name="tenant tables have FORCE row-level security",
        query="SELECT c.relname FROM pg_class c"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        f" AND c.relname NOT IN ({_NOBODYS})"
        " AND NOT (c.relrowsecurity AND c.relforcerowsecurity"
        " AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))",
        advice="one tenant could read another's rows there: take the table back to what `fabroute migrate` made",
    ),
    Invariant(
        name="the application's role can't get round row-level security",
        query=f"WITH writers AS ({_WRITERS})"
        " SELECT w.rolname FROM writers w WHERE w.rolsuper OR w.rolbypassrls OR EXISTS (SELECT FROM pg_class t"
        " WHERE t.relowner = w.oid AND t.relnamespace = 'public'::regnamespace)"
        " UNION ALL SELECT 'no role but the owner of the tables' WHERE NOT EXISTS (SELECT FROM writers)",
        advice="FABROUTE_DATABASE_URL needs a role that owns no table, without SUPERUSER and BYPASSRLS",
    ),
)
