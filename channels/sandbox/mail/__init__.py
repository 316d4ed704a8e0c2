"""The far side of email on this machine: an SMTP and an IMAP server with people's mailboxes."""

from channels.sandbox.mail.mailroom import Mailroom
from channels.sandbox.mail.page import mail_router

__all__ = ["Mailroom", "mail_router"]
