"""MLflow as a result store, and runs that the cell's own code opens in MLflow."""
