"""The Celery side of fabroute: the relay that rings, the workers that answer."""
