"""The tests mirror labnb/; tests/e2e works in a real JupyterLab and runs in a process of its own."""
