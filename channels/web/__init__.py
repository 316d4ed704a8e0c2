"""HTTP: the API with a key, the console, health and figures, and Slack's request URL."""
