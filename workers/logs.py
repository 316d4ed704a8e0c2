"""How this process logs: lines for people or JSON for machines, on stderr, without content or secrets."""

import json
import logging
import sys
import time
import traceback
from typing import Any

from bot.settings import Settings


class Lines(logging.Formatter):
    """A trace tells the error's type and place. What the error says may hold what somebody wrote, so it stays out of the log."""

    def formatException(self, ei: Any) -> str:
        kind, _, place = ei
        return f"{kind.__name__}\n{''.join(traceback.format_tb(place))}".rstrip()


class JsonLines(Lines):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logs(settings: Settings) -> None:
    """Our own loggers at LOG_LEVEL; libraries only when something is wrong, since their lines may hold addresses and texts."""
    handler = logging.StreamHandler(sys.stderr)
    console = Lines("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonLines() if settings.log_format == "json" else console)
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    logging.getLogger("parley").setLevel(settings.log_level.upper())
