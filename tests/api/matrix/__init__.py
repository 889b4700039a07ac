"""Who may do which operation of the OpenAPI document, asked by everyone; a leak is found by what it would tell."""
