"""fabroute: routes spare-part orders to qualified printing nodes, and tells why."""
