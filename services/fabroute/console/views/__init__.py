"""Routes of the console, a module for each screen: parse, call a service, return a page."""

from fabroute.console.views import (
    account,
    job_owner,
    job_shipping,
    job_work,
    jobs,
    order,
    orders,
    sign_in,
    start,
    static,
)

ROUTERS = (
    static.router,
    sign_in.router,
    account.router,
    start.router,
    orders.router,
    order.router,
    jobs.router,
    job_work.router,
    job_shipping.router,
    job_owner.router,
)
