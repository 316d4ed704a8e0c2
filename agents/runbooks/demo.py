"""Demo services: plays a few services on this machine, so that the runbooks have something harmless to run.

Each restart is one line appended to a file in the data folder; the state of a service is what these lines say. Nothing else is touched.
"""

import argparse
import shutil
import time
from datetime import datetime
from pathlib import Path

SERVICES = ("api", "web", "jobs")
ENVIRONMENTS = ("staging", "production")
RESTART_SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    verbs = parser.add_subparsers(dest="verb", required=True)
    restarting = verbs.add_parser("restart")
    restarting.add_argument("service", choices=SERVICES)
    restarting.add_argument("environment", choices=ENVIRONMENTS)
    verbs.add_parser("status").add_argument("environment", choices=ENVIRONMENTS)
    verbs.add_parser("disk")
    asked = parser.parse_args()
    log = asked.data / "demo-services.log"
    if asked.verb == "restart":
        restart(log, asked.service, asked.environment)
    elif asked.verb == "status":
        status(log, asked.environment)
    else:
        disk()


def restart(log: Path, service: str, environment: str) -> None:
    print(f"demo service {service} on {environment}: stopping, starting", flush=True)
    time.sleep(RESTART_SECONDS)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as lines:
        lines.write(f"{datetime.now().astimezone():%Y-%m-%dT%H:%M:%S%z} {environment} {service}\n")
    print("3 of 3 instances healthy")


def status(log: Path, environment: str) -> None:
    restarts = [line.split() for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    for service in SERVICES:
        times = [at for at, where, what in restarts if (where, what) == (environment, service)]
        last = f"restarted {len(times)} times, last at {times[-1]}" if times else "not restarted yet"
        print(f"demo service {service} on {environment}: 3 of 3 instances healthy, {last}")


def disk() -> None:
    usage = shutil.disk_usage("/")
    print(f"disk of this machine: {usage.used / usage.total:.0%} of {usage.total / 1e9:.0f} GB used")


if __name__ == "__main__":
    main()
