"""What labnb does, one file a verb; the outside world comes as arguments."""
