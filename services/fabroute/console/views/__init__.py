"""Routes of the console, a module for each screen: parse, call a service, return a page."""

from fabroute.console.views import (
    account,
    decisions,
    job_owner,
    job_shipping,
    job_work,
    jobs,
    network,
    node,
    order,
    order_a_part,
    orders,
    parts,
    sign_in,
    start,
    static,
    what_if,
)

ROUTERS = (
    static.router,
    sign_in.router,
    account.router,
    start.router,
    orders.router,
    parts.router,
    order.router,
    order_a_part.router,
    jobs.router,
    job_work.router,
    job_shipping.router,
    job_owner.router,
    network.router,
    node.router,
    what_if.router,
    decisions.router,
)
