"""What Slack answers when it refuses, by Slack's names."""

from channels.sandbox.slack.roster import Json


class SlackError(Exception):
    """A refused call: `{"ok": false, "error": code}`, with the reasons where Slack gives them."""

    def __init__(self, code: str, *reasons: str) -> None:
        super().__init__(code)
        self.code = code
        self.reasons = reasons

    def answer(self) -> Json:
        details: Json = {"response_metadata": {"messages": list(self.reasons)}} if self.reasons else {}
        return {"ok": False, "error": self.code, **details}


class Unacknowledged(Exception):
    """The app did not take a payload: why, in the words of Slack's retry reasons, and whether it wants it again."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
