"""Operating an installation: backups that are whole or none, and restores that say what they took back."""
