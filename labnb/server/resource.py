"""What an authoriser of Jupyter Server is asked about: the action on one resource, labnb."""

AUTH_RESOURCE = "labnb"
