"""The record says who asked, decided and did what, by which door and with which proof."""

from bot.audit import audit, markdown
from tests.test_policy import paying


def test_every_decision_is_on_record_with_who_when_and_how_also_those_that_did_not_count() -> None:
    on = paying()
    it = on.waiting
    on.decides(it, "approved", by="sam")
    on.decides(it, "approved", by="ana")
    on.decides(it, "approved", by="carl", text="fine")
    record = list(audit(on.thread()))
    assert [entry["what"] for entry in record] == [
        "message_received",
        "asked",
        "approved",
        "approved",
        "approved",
        "started",
        "tool_returned",
    ]
    sam, ana, carl = record[2:5]
    assert (sam["counted"], sam["verdict"], sam["person"]) == (False, "NotEntitled", None)
    assert (ana["counted"], ana["person"], ana["proof"], ana["door"]) == (True, "ana", "slack", "slack")
    assert carl["note"] == "fine"
    assert record[1]["arguments"] == {"amount": 100}
    assert record[5]["digest"] == record[1]["digest"]
    assert record[5]["approval"] == it


def test_a_thread_reads_as_markdown() -> None:
    on = paying()
    on.decides(on.waiting, "denied", by="ana", text="too much")
    text = markdown(on.thread())
    assert "**Ben Okafor**" in text
    assert "> pay 100" in text
    assert "- amount: `100`" in text
    assert "Ana Diaz denied" in text
    assert "> too much" in text
