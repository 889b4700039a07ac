"""The console: pages for people, rendered by the server on the same functions and permissions as the API."""
