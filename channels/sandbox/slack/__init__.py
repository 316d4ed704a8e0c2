"""A Slack workspace on this machine: the far side that slack-bolt and slack-sdk talk to, unchanged."""
