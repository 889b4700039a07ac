"""Hosts of their own, as network namespaces of one machine: what goes on when one of them is cut off or gone."""
