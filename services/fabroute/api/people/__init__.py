"""People at the API: signed in by a cookie, throttled, their passwords compared a few at a time."""
