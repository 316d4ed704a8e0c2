"""Slack: what people write and press there becomes events, and what is owed to them becomes messages.

``manifest.json`` describes the app for api.slack.com/apps, in Socket Mode (``bot slack``). For a request URL (``bot web``) set
``socket_mode_enabled`` to false, and in ``event_subscriptions`` and ``interactivity`` add ``"request_url": "https://…/slack/events"``.
"""
