"""What Slack's message box makes of what a person types."""

import re
from collections.abc import Mapping

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BROADCASTS = ("here", "channel", "everyone")


def compose(text: str, *, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """Typed text as the Events API shows it: names become mentions, links and addresses are marked, `&<>` escaped.

    `people` and `channels` map what may be written after `@` and `#` to ids.
    """
    return re.sub(_pattern(people, channels), lambda found: _written(found, people, channels), text, flags=re.I)


def _pattern(people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    return "|".join(
        (
            r"(?P<link>https?://[^\s<>|]*[\w/])",
            r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)",
            rf"(?<![\w@])@(?P<broadcast>{'|'.join(_BROADCASTS)})\b",
            rf"(?<![\w@])@(?P<person>{_any_of(people)})(?!\w)",
            rf"(?<![\w#])#(?P<channel>{_any_of(channels)})(?![\w-])",
            r"(?P<escape>[&<>])",
        )
    )


def _any_of(names: Mapping[str, str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    return "|".join(re.escape(name) for name in longest_first) or r"(?!)"


def _written(found: re.Match[str], people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    said = found[found.lastgroup or 0]
    match found.lastgroup:
        case "link":
            return f"<{said.replace('&', '&amp;')}>"
        case "mail":
            return f"<mailto:{said}|{said}>"
        case "broadcast":
            return f"<!{said.lower()}>"
        case "person":
            return f"<@{_look_up(people, said)}>"
        case "channel":
            return f"<#{_look_up(channels, said)}|{said.lower()}>"
        case _:
            return _ESCAPES[said]


def _look_up(names: Mapping[str, str], said: str) -> str:
    return next(id for name, id in names.items() if name.lower() == said.lower())
