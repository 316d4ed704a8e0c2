"""Blocks and views as Slack takes them: checked, with their missing ids filled in; and what people can use in them."""

from collections.abc import Iterator, Sequence
from typing import Any

from channels.sandbox.slack.block_rules import block_list_faults, found_faults, texts, view_faults
from channels.sandbox.slack.errors import SlackError
from channels.sandbox.slack.roster import Json, fresh_id

MESSAGE_TOTAL = 13_200


def checked_blocks(blocks: Any) -> list[Json]:
    """A message's blocks with their missing ids filled in, or SlackError by Slack's name for what is wrong."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    if faults := found_faults(block_list_faults(blocks, most=50)):
        raise SlackError("invalid_blocks", *faults)
    if sum(len(text) for block in blocks for text in texts(block)) > MESSAGE_TOTAL:
        raise SlackError("msg_blocks_too_long")
    return with_ids(blocks)


def checked_view(view: Any) -> Json:
    """A view with its blocks' missing ids filled in, or SlackError("invalid_arguments") with the reasons."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "[ERROR] must provide an object [json-pointer:/view]")
    if faults := found_faults(view_faults(view)):
        raise SlackError("invalid_arguments", *faults)
    return {**view, "blocks": with_ids(view["blocks"])}


def with_ids(blocks: Sequence[Json]) -> list[Json]:
    return [_with_ids(block) for block in blocks]


def _with_ids(block: Json) -> Json:
    filled = {"block_id": fresh_id("")[:5], **block}
    if block["type"] in ("actions", "context_actions"):
        filled["elements"] = [_with_action_id(element) for element in block["elements"]]
    for slot in ("element", "accessory"):
        if slot in block and block[slot]["type"] != "image":
            filled[slot] = _with_action_id(block[slot])
    return filled


def _with_action_id(element: Json) -> Json:
    return {"action_id": fresh_id("")[:5], **element}


def interactive(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Each block and element that people can use."""
    for block in blocks:
        if block["type"] in ("actions", "context_actions"):
            for element in block["elements"]:
                yield block, element
        for slot in ("element", "accessory"):
            if "action_id" in block.get(slot, {}):
                yield block, block[slot]


def visible(blocks: Sequence[Json], user: str) -> list[Json]:
    """The blocks without the buttons that are for others (`visible_to_user_ids`)."""
    return [
        {**block, "elements": [element for element in block["elements"] if _is_for(element, user)]}
        if block["type"] == "actions"
        else block
        for block in blocks
    ]


def _is_for(element: Json, user: str) -> bool:
    return user in element.get("visible_to_user_ids", [user])
