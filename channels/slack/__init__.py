"""Slack: what people write and press there becomes events, and what is owed to them becomes messages."""
