"""The report that an accepted mail could not be delivered (RFC 3464)."""

from datetime import UTC, datetime
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime

from channels.sandbox.mail.directory import domain_of
from channels.sandbox.mail.store import Stranded


def report(mail: Stranded, hostname: str) -> bytes:
    """What the mail server of `hostname` sends to the envelope's sender. The same mail gives the same Message-ID."""
    message = MIMEMultipart("report", report_type="delivery-status")
    message["From"] = f"Mail Delivery System <MAILER-DAEMON@{hostname}>"
    message["To"] = mail.sender
    message["Subject"] = "Undelivered Mail Returned to Sender"
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.at, UTC))
    message["Message-ID"] = f"<bounce.{mail.id}.{int(mail.at)}@{hostname}>"
    message["Auto-Submitted"] = "auto-replied"
    message.attach(_words(mail, hostname))
    message.attach(_status(mail, hostname))
    message.attach(_original(mail))
    return message.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _words(mail: Stranded, hostname: str) -> Message:
    return MIMEText(
        f"This is the mail system at {hostname}.\n\n"
        f"Your message could not be delivered to <{mail.recipient}>: {_reason(mail)}.\n"
        "It is not tried again. The headers of the message are attached.\n"
    )


def _status(mail: Stranded, hostname: str) -> Message:
    about_mail, about_recipient = Message(), Message()
    about_mail["Reporting-MTA"] = f"dns; {hostname}"
    about_mail["Arrival-Date"] = format_datetime(datetime.fromtimestamp(mail.at, UTC))
    about_recipient["Final-Recipient"] = f"rfc822; {mail.recipient}"
    about_recipient["Action"] = "failed"
    about_recipient["Status"] = "5.1.2"
    about_recipient["Diagnostic-Code"] = f"smtp; 550 5.1.2 {_reason(mail)}"
    part = MIMENonMultipart("message", "delivery-status")
    part.set_payload([about_mail, about_recipient])
    return part


def _original(mail: Stranded) -> Message:
    part = MIMENonMultipart("text", "rfc822-headers")
    header = mail.raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace").replace("\r\n", "\n")
    part.set_payload(header + "\n", "utf-8" if not header.isascii() else None)
    return part


def _reason(mail: Stranded) -> str:
    return f"nobody is known at {domain_of(mail.recipient)}"
