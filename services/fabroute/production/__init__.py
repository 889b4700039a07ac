"""Jobs: the queue of each node, and what is held for them."""
