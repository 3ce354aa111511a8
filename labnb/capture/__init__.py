"""The live session: what a cell is made of, reads, writes and shows."""
