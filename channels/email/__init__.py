"""The mailbox as a channel: mails become events, what is owed becomes mails."""
