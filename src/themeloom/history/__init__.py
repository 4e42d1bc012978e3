"""What is kept of a run: the model folder and the MLflow run."""
