"""What the use cases ask of the outside world: Protocols, one file a word."""
