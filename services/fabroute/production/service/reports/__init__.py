"""Numbered reports of a node's client: they may come in any order, and twice; each counts once, in its turn."""
