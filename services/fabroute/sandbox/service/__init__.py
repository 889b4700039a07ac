"""Sandboxes are opened, and their nodes play their part."""

from fabroute.sandbox.service.opening import NewSandbox, Sandbox, SandboxPart, open_sandbox
from fabroute.sandbox.service.playing import Played, play, sandbox_waits

__all__ = ["NewSandbox", "Played", "Sandbox", "SandboxPart", "open_sandbox", "play", "sandbox_waits"]
