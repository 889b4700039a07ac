"""An order as its page shows it: why its node, what else there was, what happened, and all that belongs to it."""
