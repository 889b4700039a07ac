"""A maintenance system (CMMS), in the shape of IBM Maximo's REST API: work orders come in, log entries go back."""

from fabroute.bridges.cmms.inbox import MaintenanceInbox
from fabroute.bridges.cmms.system import MaintenanceSystem, pull_requests

__all__ = ["MaintenanceInbox", "MaintenanceSystem", "pull_requests"]
