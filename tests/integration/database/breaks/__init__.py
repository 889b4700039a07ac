"""How to break the invariants of each room, on purpose."""
