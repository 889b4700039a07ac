"""What a bureau runs beside its machines: a connector to fabroute, and a check of a connector of its own."""
