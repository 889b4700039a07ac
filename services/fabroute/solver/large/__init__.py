"""Large scopes: prices of minutes and grams with a certified bound, then a plan by ruin and recreate."""
