"""What an API process counts of itself, and where that is read."""
