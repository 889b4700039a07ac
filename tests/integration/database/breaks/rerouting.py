"""How to break each rule about re-routes, by its name: the rule must find one row then."""

from collections.abc import Mapping

BREAKS: Mapping[str, str] = {}
