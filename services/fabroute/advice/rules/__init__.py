"""Pure rules of advice: printed or conventional, pathways, readiness, and which spare parts are worth a twin."""
