"""What runs on the host: its text travels there and answers one request. Python 3.9, standard library only."""
