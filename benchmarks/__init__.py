"""The figures that labnb promises, each measured beside a peer in the same run: `make bench`."""
