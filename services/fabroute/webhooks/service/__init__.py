"""The event feed, webhook endpoints and deliveries: what other rooms call."""
