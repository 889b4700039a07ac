"""What the pages about webhooks show."""
