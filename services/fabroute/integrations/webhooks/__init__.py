"""Webhooks go out over httpx, to addresses that were looked at."""

from fabroute.integrations.webhooks.sender import HttpSender, configured_sender

__all__ = ["HttpSender", "configured_sender"]
