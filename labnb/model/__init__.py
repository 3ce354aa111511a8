"""The words of labnb: frozen dataclasses and pure functions, standard library only."""
