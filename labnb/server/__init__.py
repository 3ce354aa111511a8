"""The face that the JupyterLab sidebar speaks to: REST under `/labnb/api/`, events on Jupyter's stream."""
