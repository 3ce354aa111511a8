"""The words that several faces share: the same commands for the terminal and the notebook, and how they answer."""
