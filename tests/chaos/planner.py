"""The model of these tests: follows the plan in a thread's first message, a step for every choice that it made before."""

import random
import re
import time

from tests.messages_server import Answer, Json, calls, fails, says

PLAN = re.compile(r"(\w+): ([\w ]+)\.")
BUSY = 0.03  # of all requests that are refused as one too many


def follow(request: Json) -> Answer:
    """The next step of the plan; a server that is slow, or busy, now and then."""
    time.sleep(random.random() * 0.3)
    if random.random() < BUSY:
        return fails(529, "overloaded_error", "Overloaded", retry_after="1")
    said = [block["text"] for block in request["messages"][0]["content"]]
    found = next(filter(None, map(PLAN.search, said)), None)
    assert found, "no plan in the context"
    name, plan = found[1], found[2].split()
    step = sum(text.startswith("<tool_called") for text in said)
    if step >= len(plan):
        return says(f"Done {name} {step}")
    if plan[step] == "ask":
        return calls("contact_human", {"question": f"Which colour for {name} {step}?"})
    return calls(plan[step], {"deed": f"{name}.{step}"})
