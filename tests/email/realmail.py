"""A real mail server for tests: Debian's Postfix and Dovecot as instances of their own, with own ports, queue and authority. Needs root."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from smtplib import SMTP
from typing import Any, Literal, Self

from channels.email.mail import parse
from tests.sandbox.mailside import AGENT, ALIASES, PEOPLE

HOST = "mx.example.com"
PASSWORD = "open sesame/+"
NOBODY = 65534
GONE, LATER, NEVER = "gone@example.com", "later@example.com", "never@example.com"  # how mail to them fails
Way = Literal["plain", "starttls", "tls"]


class RealMail:
    """One running server. Everybody of the tests has a mailbox; the agent's aliases share its own."""

    authserv_id = HOST

    def __init__(self) -> None:
        for program in ("postfix", "postmap", "dovecot", "doveadm", "openssl"):
            assert shutil.which(program), f"{program} is missing: apt-get install postfix dovecot-imapd dovecot-lmtpd"
        assert os.geteuid() == 0, "Postfix and Dovecot can only be started by root"
        self.folder = Path(tempfile.mkdtemp(prefix="realmail-"))
        self.folder.chmod(0o755)
        self.imap, self.imaps, self.lmtp, self.smtp, self.smtps = _free_ports(5)
        self._certify()
        self._set_up_dovecot()
        self._set_up_postfix()

    # Settings

    @property
    def authority(self) -> Path:
        """The certificate to trust, for SSL_CERT_FILE."""
        return self.folder / "ca.pem"

    def imap_url(self, way: Way = "tls") -> str:
        """IMAP has no STARTTLS here: aioimaplib does not know it."""
        login = f"parley:{_quoted(PASSWORD)}@127.0.0.1"
        return f"imaps://{login}:{self.imaps}/INBOX" if way == "tls" else f"imap://{login}:{self.imap}/INBOX"

    def smtp_url(self, way: Way = "tls") -> str:
        scheme, port = {
            "plain": ("smtp", self.smtp),
            "starttls": ("smtp+starttls", self.smtp),
            "tls": ("smtps", self.smtps),
        }[way]
        return f"{scheme}://parley:{_quoted(PASSWORD)}@127.0.0.1:{port}"

    # Life

    def start(self) -> None:
        _run("dovecot", "-c", str(self.folder / "dovecot.conf"))
        _run("postfix", "-c", str(self.folder / "postfix"), "start")
        for port in (self.imap, self.lmtp, self.smtp):
            _wait_for(port)

    def stop(self) -> None:
        self.stop_dovecot()
        _run("postfix", "-c", str(self.folder / "postfix"), "abort")
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_dovecot(self) -> None:
        _run("dovecot", "-c", str(self.folder / "dovecot.conf"))
        _wait_for(self.imap)

    def stop_dovecot(self) -> None:
        _run(*self._doveadm("stop"))
        master = self.folder / "run" / "master.pid"
        for _ in range(200):
            if not master.exists():
                return
            time.sleep(0.02)
        raise AssertionError("Dovecot does not stop")

    def flush(self) -> None:
        """Have Postfix try again now what it could not deliver."""
        _run("postqueue", "-c", str(self.folder / "postfix"), "-f")

    def kick(self) -> None:
        """Throw every reader out."""
        _run(*self._doveadm("kick", "parley"))

    def renumber(self) -> None:
        """Forget the mailbox's UIDs, as after a restored backup: UIDVALIDITY changes."""
        self.stop_dovecot()
        for path in self._maildir("parley").glob("dovecot*"):
            path.unlink()
        time.sleep(1.1)  # UIDVALIDITY is the time in seconds
        self.start_dovecot()

    def remove_forged_headers(self) -> None:
        """What a careful postmaster has (RFC 8601, section 5)."""
        (self.folder / "postfix" / "headers").write_text(f"/^Authentication-Results:\\s*{HOST}/ IGNORE\n")
        with (self.folder / "postfix" / "main.cf").open("a") as config:
            config.write(f"header_checks = regexp:{self.folder}/postfix/headers\n")
        _run("postfix", "-c", str(self.folder / "postfix"), "reload")

    # Mail

    def send(self, sender: str, to: str | list[str], subject: str, text: str, **more: Any) -> str:
        """Somebody writes; `signed` may turn their mail into what their own server sends. Answers the Message-ID."""
        sign = more.pop("signed", lambda raw: raw)
        message = EmailMessage()
        message["From"] = f"{PEOPLE[sender]} <{sender}>"
        message["To"] = to if isinstance(to, str) else ", ".join(to)
        message["Subject"] = subject
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
        for name, value in more.items():
            message[name.replace("_", "-").title()] = value if isinstance(value, str) else " ".join(value)
        message.set_content(text)
        self.deliver(sender, to, sign(message.as_bytes().replace(b"\n", b"\r\n")))
        return str(message["Message-ID"])

    def deliver(self, sender: str, to: str | list[str], raw: bytes) -> None:
        """As another mail server hands it over."""
        with SMTP("127.0.0.1", self.smtp, local_hostname="mail.elsewhere.example", timeout=20) as smtp:
            smtp.sendmail(sender, to, raw)

    def raw(self, address: str, folder: str = "") -> list[bytes]:
        """All of a mailbox, in the order of arrival."""
        box = self._maildir(address.partition("@")[0]) / folder
        while True:
            files = {path.name.partition(":")[0]: path for part in ("new", "cur") for path in (box / part).glob("*")}
            try:
                return [files[name].read_bytes() for name in sorted(files, key=_arrival)]
            except FileNotFoundError:
                continue  # Dovecot has just moved one from new to cur

    def messages(self, address: str) -> list[dict[str, Any]]:
        """The same, as people see it."""
        return [_seen(raw) for raw in self.raw(address)]

    def answer_to(self, address: str, message_id: str, *, after: int = 0) -> dict[str, Any]:
        """The mail in somebody's mailbox that answers this one, as soon as it is there; ``after`` so many others."""
        return self.wait_for(address, lambda mail: mail["in_reply_to"] == message_id, after=after)

    def wait_for(
        self, address: str, wanted: Callable[[dict[str, Any]], object], *, after: int = 0, seconds: float = 20
    ) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [each for each in self.messages(address) if wanted(each)]
            if len(found) > after:
                return found[after]
            time.sleep(0.02)
        raise AssertionError(f"no such mail arrived within {seconds:.0f} s")

    def by(self, way: Way) -> "By":
        """The server as a post room uses it."""
        return By(self, self.imap_url(way), self.smtp_url(way))

    def _maildir(self, user: str) -> Path:
        return self.folder / "mail" / user

    # How it is set up

    def _certify(self) -> None:
        """An authority of our own, and a certificate by it for this machine."""
        names = self.folder / "names"
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        at = {name: str(self.folder / name) for name in ("ca.pem", "ca.key", "server.pem", "server.key", "request")}
        fresh = ["-newkey", "rsa:2048", "-nodes"]
        authority = ["-keyout", at["ca.key"], "-out", at["ca.pem"], "-subj", "/CN=A test's own authority"]
        _run("openssl", "req", "-x509", *fresh, *authority)
        _run("openssl", "req", *fresh, "-keyout", at["server.key"], "-out", at["request"], "-subj", "/CN=localhost")
        signing = ["-CA", at["ca.pem"], "-CAkey", at["ca.key"], "-CAcreateserial", "-extfile", str(names)]
        _run("openssl", "x509", "-req", "-in", at["request"], *signing, "-out", at["server.pem"])

    def _set_up_dovecot(self) -> None:
        users = {"parley", *(each.partition("@")[0] for each in PEOPLE)}
        (self.folder / "users").write_text("".join(f"{each}:{{PLAIN}}{PASSWORD}::::::\n" for each in sorted(users)))
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", NOBODY, NOBODY)
        (self.folder / "dovecot.conf").write_text(_DOVECOT.format(**self._places()))

    def _set_up_postfix(self) -> None:
        config = self.folder / "postfix"
        config.mkdir()
        for folder in ("queue", "data"):
            (self.folder / folder).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        alias = "".join(f"{each} {AGENT}\n" for each in ALIASES)
        (config / "aliases").write_text(alias)
        boxes = [AGENT, *PEOPLE, GONE, LATER, NEVER]
        (config / "boxes").write_text("".join(f"{each} yes\n" for each in boxes))
        (config / "refused").write_text(f"{LATER} 450 4.2.1 busy\n{NEVER} 550 5.7.1 no mail from you\n")
        (config / "main.cf").write_text(_POSTFIX.format(**self._places()))
        (config / "master.cf").write_text(_SERVICES.format(**self._places()))

    def _places(self) -> dict[str, Any]:
        ports = {name: getattr(self, name) for name in ("imap", "imaps", "lmtp", "smtp", "smtps")}
        return {"folder": self.folder, "host": HOST, "nobody": NOBODY, **ports}

    def _doveadm(self, *arguments: str) -> list[str]:
        return ["doveadm", "-c", str(self.folder / "dovecot.conf"), *arguments]


@dataclass(frozen=True)
class By:
    """A server that is running already, reached in one of the ways."""

    server: RealMail
    imap_url: str
    smtp_url: str
    authserv_id: str = HOST

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        pass

    def send(self, *letter: Any, **more: Any) -> str:
        id = self.server.send(*letter, **more)
        self.server.wait_for(AGENT, lambda mail: mail["message_id"] == id)
        return id

    def raw(self, address: str) -> list[bytes]:
        return self.server.raw(address)

    def messages(self, address: str) -> list[dict[str, Any]]:
        return self.server.messages(address)


_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = realmail
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Ln
recipient_delimiter = +
mail_location = maildir:{folder}/mail/%n
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
  default_fields = uid={nobody} gid={nobody} home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  unix_listener {folder}/queue/auth {{
    mode = 0666
  }}
}}
"""
_POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
multi_instance_name = postfix-realmail
multi_instance_group = realmail
myhostname = {host}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
biff = no
recipient_delimiter = +
virtual_mailbox_domains = example.com, customer.example, elsewhere.example
virtual_mailbox_maps = texthash:{folder}/postfix/boxes
virtual_alias_maps = texthash:{folder}/postfix/aliases
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = auth
smtpd_tls_cert_file = {folder}/server.pem
smtpd_tls_key_file = {folder}/server.key
smtpd_tls_security_level = may
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/postfix/refused, permit_sasl_authenticated, reject_unauth_destination
message_size_limit = 2000000
"""
_SERVICES = """
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def running() -> Iterator[RealMail]:
    """For a fixture: a server that is gone afterwards."""
    server = RealMail()
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _arrival(name: str) -> tuple[int, int]:
    """When a mail of a Maildir arrived, by its name: seconds and microseconds."""
    seconds, parts, *_ = name.split(".")
    return int(seconds), int(re.findall(r"M(\d+)", parts)[0])


def _seen(raw: bytes) -> dict[str, Any]:
    mail = parse(raw)
    return {
        "direction": "in",
        "message_id": mail.message_id,
        "in_reply_to": next(iter(mail.in_reply_to), ""),
        "references": list(mail.references),
        "reply_to": [each.address for each in mail.reply_to] or [mail.from_.address],
        "subject": mail.subject,
        "text": mail.text,
    }


def _run(*command: str) -> None:
    with tempfile.TemporaryFile() as said:  # no pipe: a daemon would hold it open
        done = subprocess.run(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, timeout=30)
        said.seek(0)
        assert done.returncode == 0, f"{command[0]} failed: {said.read()[-2_000:].decode(errors='replace')}"


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the mail server does not start")


def _quoted(text: str) -> str:
    return "".join(f"%{ord(char):02X}" if not char.isalnum() else char for char in text)
