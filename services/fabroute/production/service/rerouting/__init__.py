"""Jobs that leave their nodes, and what becomes of their lines and promises."""

from fabroute.production.service.rerouting.reroute import EndState, end_jobs, lock_for_reroute, reroute_jobs

__all__ = ["EndState", "end_jobs", "lock_for_reroute", "reroute_jobs"]
