"""The Decisions screen: what was decided, what bound it, and what another rule had made of it."""
