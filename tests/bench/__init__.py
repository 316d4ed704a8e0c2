"""What Parley costs beside the model: ``python -m tests.bench`` prints one JSON line a figure, and a table at the end."""
