"""The outside world, one island a system."""
