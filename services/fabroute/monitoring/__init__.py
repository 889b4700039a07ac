"""How an installation is doing, as its database tells: figures, as Prometheus reads them, and alarms in words."""
