"""What a record can be turned into: one file a format, each a pure function."""
