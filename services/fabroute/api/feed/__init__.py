"""The event feed as this process follows it: who waits for events is woken when there are some."""
