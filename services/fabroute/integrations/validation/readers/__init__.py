"""Libraries that read what the guards let through."""
