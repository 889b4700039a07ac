"""People: invited by a link, signed in by password and second factor or at an OpenID provider, kept by sessions."""
