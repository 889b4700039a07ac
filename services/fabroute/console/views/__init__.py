"""Routes of the console, a module for each screen: parse, call a service, return a page."""

from fabroute.console.views import account, orders, sign_in, start, static

ROUTERS = (static.router, sign_in.router, account.router, start.router, orders.router)
