"""Slack: what people write and press there becomes events, and what is owed to them becomes messages.

``manifest.json`` describes the app for api.slack.com/apps, in Socket Mode (``bot slack``); ``python -m bot slack-manifest --http URL``
prints it for a request URL (``bot web``). One workspace by SLACK_BOT_TOKEN, or many that install it by OAuth (docs/slack-install.md).
"""
