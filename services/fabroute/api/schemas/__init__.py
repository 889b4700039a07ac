"""What goes over the wire: requests that refuse every field they don't know, answers with every field described."""
