"""Pure rules of re-routes."""
