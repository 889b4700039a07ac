"""Who is served next where more is asked than can be answered, and the cheap refusal of the rest."""
