"""The front door: ``python -m bot …``. The one module of bot/ that knows the floors above it."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot import verbs
from bot.audit import audit, markdown
from bot.events import UnknownEvent
from bot.judge import Counted
from bot.ports import Unavailable
from bot.settings import Settings, SettingsError, read_settings
from bot.show import pending_json, thread_json, timeline
from bot.words import about, utc

PROCESSES = {
    "web": "serve HTTP: Slack's request URL, the API, the console",
    "slack": "listen to Slack by Socket Mode",
    "email": "read the mailbox",
    "worker": "run the agents",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit status. Every mistake of the user's is one sentence on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments) or 0)
    except (SettingsError, verbs.NotFound, verbs.NotAllowed, Unavailable) as error:
        print(f"bot: {error}", file=sys.stderr)
        return 1
    except UnknownEvent:
        print("bot: A newer version of Parley wrote in this thread; update this one, and try again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        print(
            f"bot: {error.filename} cannot be used ({error.strerror}): correct what is there, or who may use it.",
            file=sys.stderr,
        )
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Small agents where your team already works.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, what in PROCESSES.items():
        _add(commands, name, what, _process).set_defaults(process=name)
    demo = _add(commands, "demo", "everything on this machine, without accounts", _demo)
    demo.add_argument("--reset", action="store_true", help="forget the demo's data and stop")
    doctor = _add(commands, "doctor", "check settings, store, Slack, mail and model, and say what to do", _doctor)
    doctor.add_argument("--send", action="store_true", help="also mail itself a forgery, which its server must disarm")
    manifest = _add(
        commands, "slack-manifest", "the Slack app to paste at api.slack.com/apps, as JSON", _slack_manifest
    )
    manifest.add_argument("--http", metavar="URL", default="", help="for HTTP at this address, instead of Socket Mode")
    _json(_add(commands, "threads", "list the threads, the latest first", _threads))
    show = _json(_add(commands, "show", "a thread's timeline", _show))
    show.add_argument("id")
    show.add_argument("--markdown", action="store_true", help="the conversation to read and keep")
    _json(_add(commands, "pending", "open questions and approvals, the oldest first", _pending))
    record = _add(commands, "audit", "who asked, decided and did what, one JSON line an entry", _audit)
    record.add_argument("id", nargs="*", help="these threads; none named: all of them")
    start = _add(commands, "start", "begin a thread", _start)
    start.add_argument("agent")
    start.add_argument("text", nargs="+")
    say = _add(commands, "say", "say something in a thread", _say)
    say.add_argument("id")
    say.add_argument("text", nargs="+")
    answer = _add(commands, "answer", "approve, deny with a reason, or answer a question", _answer)
    answer.add_argument("interaction")
    answer.add_argument(
        "--digest", default="", help="of what you saw in pending --json; if it changed, nothing is decided"
    )
    answer.add_argument("words", nargs="+", metavar="approve | deny [REASON] | ANSWER")
    for name, verb, what in (
        ("pause", verbs.pause, "think and do nothing more until resumed"),
        ("resume", verbs.resume, "go on"),
        ("cancel", verbs.cancel, "stop, and withdraw what is open"),
    ):
        command = _add(commands, name, what, _steer)
        command.add_argument("id")
        command.set_defaults(verb=verb)
    fork = _add(commands, "fork", "a new thread with the first N events of another", _fork)
    fork.add_argument("id")
    fork.add_argument("--at", type=int, metavar="N")
    _add(commands, "forget", "erase what was said in a thread", _forget).add_argument("id")
    replay = _add(commands, "replay", "ask again at each recorded choice, run nothing, show the differences", _replay)
    replay.add_argument("id")
    replay.add_argument("--model", action="store_true", help="ask the model, not only render")
    _add(commands, "parse-email", "what Parley reads in a mail, one JSON line a file", _parse_email).add_argument(
        "files", nargs="+", metavar="FILE"
    )
    return parser


def _add(commands: Any, name: str, what: str, run: Callable[[argparse.Namespace], int | None]) -> Any:
    parser = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _json(parser: Any) -> Any:
    parser.add_argument("--json", action="store_true", help="for scripts: JSON and nothing else on stdout")
    return parser


def _settings() -> Settings:
    try:
        return read_settings()
    except UnicodeDecodeError:
        raise SettingsError(".env is not UTF-8: save it with that encoding.") from None


# Processes


def _process(arguments: argparse.Namespace) -> int:
    from workers.assembly import run_process

    return run_process(arguments.process, _settings())


def _demo(arguments: argparse.Namespace) -> int:
    from workers.demo import reset, run_demo

    settings = _settings()
    return reset(settings) if arguments.reset else run_demo(settings)


def _doctor(arguments: argparse.Namespace) -> int:
    from workers.doctor import examine, unreadable

    try:
        settings = _settings()
    except SettingsError as error:
        return unreadable(error)
    return examine(settings, send=arguments.send)


def _slack_manifest(arguments: argparse.Namespace) -> None:
    from channels.slack.manifest import manifest

    if arguments.http and not arguments.http.startswith("https://"):
        raise SettingsError("Slack calls https addresses only: give --http one such as https://your.host.")
    print(json.dumps(manifest(arguments.http, installable=_settings().slack_installable), indent=2))


# Looking


def _threads(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, _):
        rows = [thread_json(thread, events=False) for thread in verbs.latest(store)]
    if arguments.json:
        return _print_json(rows)
    _print_table([(row["id"], row["agent"], row["words"], row["title"]) for row in rows], "no threads yet")
    return None


def _show(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, _):
        thread = verbs.get(store, arguments.id)
    if arguments.json:
        return _print_json(thread_json(thread))
    if arguments.markdown:
        return print(markdown(thread))
    shown = thread_json(thread, events=False)
    print(f"{thread.id} · {shown['agent']} · {shown['words']}")
    _print_table([(at, what, _short(text)) for at, what, text in timeline(thread)], "nothing happened yet")
    return None


def _pending(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, _):
        rows = [pending_json(thread, interaction) for thread, interaction in verbs.pending(store)]
    if arguments.json:
        return _print_json(rows)
    _print_table(
        [(row["id"], row["kind"], ", ".join(row["audience"]) or row["asked_by"], _short(row["text"])) for row in rows],
        "nothing waits for anybody",
    )
    return None


def _audit(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, _):
        for id in arguments.id or store.threads(limit=100_000):
            for entry in audit(verbs.get(store, id)):
                print(json.dumps(entry, ensure_ascii=False))


# Doing


def _start(arguments: argparse.Namespace) -> None:
    with _office() as (store, team, operator):
        print(verbs.start(store, team, operator, " ".join(arguments.text), arguments.agent))


def _say(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, operator):
        print(verbs.say(store, operator, arguments.id, " ".join(arguments.text)))


def _answer(arguments: argparse.Namespace) -> int:
    with _office() as (store, team, operator):
        thread = verbs.get(store, arguments.interaction.partition(".")[0])
        found = thread.state.interactions.get(arguments.interaction)
        decision, text = _decision(found.asked.kind if found else "question", arguments.words)
        answered = verbs.answer(store, operator, arguments.interaction, decision, text, digest=arguments.digest)
        print(about(answered.verdict, answered.interaction, team, utc))
    return 0 if isinstance(answered.verdict, Counted) else 1


def _decision(kind: str, words: list[str]) -> tuple[str, str]:
    """``approve`` and ``deny`` are decisions where an approval is open; everything else is an answer in words."""
    first = words[0].lower()
    if kind == "approval" and first in ("approve", "deny"):
        return ("approved" if first == "approve" else "denied"), " ".join(words[1:])
    return "answered", " ".join(words)


def _steer(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, operator):
        print(arguments.verb(store, operator, arguments.id))


def _fork(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, operator):
        print(verbs.fork(store, operator, arguments.id, arguments.at))


def _forget(arguments: argparse.Namespace) -> None:
    with _office() as (store, _, operator):
        verbs.forget(store, operator, arguments.id)
        print(arguments.id)


def _replay(arguments: argparse.Namespace) -> int:
    from workers.replay import replay

    settings = _settings()
    with _office() as (store, team, _):
        return replay(verbs.get(store, arguments.id), team, settings, ask=arguments.model)


def _parse_email(arguments: argparse.Namespace) -> None:
    from channels.email.report import describe

    for name in arguments.files:
        try:
            raw = Path(name).read_bytes()
        except OSError as error:
            raise SettingsError(f"{name} cannot be read: {error.strerror}.") from None
        print(json.dumps(describe(raw, name), ensure_ascii=False), flush=True)


def _office() -> Any:
    """The store, the team and the operator, for one command."""
    from workers.assembly import office

    return office(_settings())


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def _print_table(rows: list[tuple[str, ...]], nothing: str) -> None:
    if not rows:
        print(nothing)
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip())


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:99] + "…"


if __name__ == "__main__":
    sys.exit(main())
