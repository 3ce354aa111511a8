"""The run folder: its path names, its journal, its atomic files; standard library only."""
