"""What people sign in with that lies outside the database: the key that seals, and an OpenID provider."""
