"""Adapters of the contexts' Protocols: what reaches out of the process, or into heavy libraries."""
