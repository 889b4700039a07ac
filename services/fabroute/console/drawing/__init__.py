"""Drawings that the server makes: markup out of figures, without input or output, coloured by the style sheet."""
