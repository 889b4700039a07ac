"""The decision: every pending line against every qualified node, jointly, proven and explained."""
