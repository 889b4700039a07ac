"""Events told to the outside: a feed to pull, and signed webhooks that push the same events."""
