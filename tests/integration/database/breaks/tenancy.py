"""How to break each rule about tenants, by its name: the rule must find one row then."""

from collections.abc import Mapping

BREAKS: Mapping[str, str] = {
    "tenant tables have FORCE row-level security": "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
    "the application's role can't get round row-level security": "REVOKE INSERT ON orders FROM app_rw",
}
