"""What is told to whom, when it is sent again, how it is signed, and where it may be sent. Pure."""
