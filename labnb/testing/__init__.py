"""Fakes and contract tests of the ports: for labnb's own tests, and for those of a plug-in's author."""
