"""Checks of this machine: Java, disk, packages, the local broker's port, the read model's version."""

import os
import shutil
import socket
import sys
from datetime import datetime
from http.cookiejar import LoadError, MozillaCookieJar
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from projections.overview import picture
from projections.snapshots import LINK
from streams.broker import local
from streams.broker.jars import find_java, installed_javas
from streams.broker.server import port_in
from streams.doctor.finding import Finding, Verdict, room, ytdlp_age
from streams.doctor.unread import unread
from streams.errors import EarmarkError
from streams.settings import Settings, shadowed, sources

KNOCK_LIMIT_S = 2.0


def java(kafka: str | None) -> Finding:
    """Whether there is a Java for the local broker."""
    try:
        return Finding("java", "ok", str(find_java(installed_javas())))
    except EarmarkError as error:
        if kafka is not None:
            return Finding("java", "ok", "there is none, and none is needed: EARMARK_KAFKA is set")
        what, _, fix = str(error).partition(": ")
        return Finding("java", "broken", what, fix)


def disk(home: Path, min_free: int) -> Finding:
    """Whether `home` can be written to and has room."""
    there = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding(
            "disk",
            "broken",
            f"nobody may write in {there}",
            f"own it as the user who runs Earmark: chown {there}",
        )
    return room(shutil.disk_usage(there).free, min_free, str(there))


def packages() -> Finding:
    """Whether what is installed is what this version of Earmark asks for."""
    wrong = []
    for line in requires("earmark") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, and {requirement.specifier} is needed")
    if wrong:
        return Finding("versions", "broken", "; ".join(wrong), "install what Earmark asks for: `make setup`")
    names = ("earmark", "faust-streaming", "aiokafka", "anthropic", "duckdb")
    told = ", ".join(f"{name} {version(name)}" for name in names)
    return Finding("versions", "ok", f"Python {'.'.join(map(str, sys.version_info[:3]))}, {told}")


def ytdlp(now: datetime) -> Finding:
    """How old yt-dlp is."""
    return ytdlp_age(version("yt-dlp"), now)


def settings_read(settings: Settings) -> list[Finding]:
    """Which settings nobody reads."""
    # Another second of CPU.
    clients = import_module("streams.ytdlp.session").clients()
    return unread(settings, sources(), shadowed(), clients)


def cookies(file: Path | None, now: datetime) -> list[Finding]:
    """Whether EARMARK_COOKIES holds cookies of YouTube that are still good."""
    if file is None:
        return []
    jar = MozillaCookieJar()
    try:
        jar.load(os.fspath(file), ignore_discard=True, ignore_expires=True)
    except (LoadError, OSError, UnicodeDecodeError) as error:
        return [
            Finding(
                "cookies", "broken", f"{file} is no cookies.txt: {error}", "export it again from a browser"
            )
        ]
    ours = [cookie for cookie in jar if cookie.domain.lstrip(".").endswith("youtube.com")]
    good = [cookie for cookie in ours if not cookie.is_expired(int(now.timestamp()))]
    if good:
        return [Finding("cookies", "ok", f"{len(good)} of YouTube in {file}")]
    what = "have all expired" if ours else "are not of YouTube"
    return [Finding("cookies", "look", f"the cookies in {file} {what}", "export them again from a browser")]


def ports(home: Path, kafka: str | None) -> Finding:
    """Whether the local broker's port is its own, or those of `kafka` can be reached."""
    if kafka is not None:
        return addresses(kafka)
    status = local.status(home)
    if status.bootstrap is not None:
        return Finding("ports", "ok", f"the local broker (process {status.pid}) has {status.bootstrap}")
    file = status.data.parent / "server.properties"
    port = port_in(file.read_text()) if file.exists() else 0
    if port == 0:
        return Finding("ports", "ok", "the local broker takes free ones at its first start")
    if _closed("127.0.0.1", port) is None:
        return Finding(
            "ports",
            "look",
            f"another program has 127.0.0.1:{port}, the local broker's port at its last start",
            "end it, or tell your bots the broker's new address: `earmark broker status`",
        )
    return Finding("ports", "ok", f"127.0.0.1:{port} is free for the local broker")


def addresses(kafka: str) -> Finding:
    """Whether anybody listens at one address of `kafka` at least."""
    closed = []
    for address in kafka.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdecimal():
            closed.append(f"{address.strip()} is no host:port")
        elif (why := _closed(host.strip("[]"), int(port))) is not None:
            closed.append(f"{address.strip()}: {why}")
    if not closed:
        return Finding("ports", "ok", f"{kafka} can be reached")
    all_of_them = len(closed) == kafka.count(",") + 1
    verdict: Verdict = "broken" if all_of_them else "look"
    return Finding(
        "ports",
        verdict,
        f"cannot be reached: {'; '.join(closed)}",
        "see EARMARK_KAFKA, the network, a firewall",
    )


def _closed(host: str, port: int) -> str | None:
    """Why nobody can be reached there, or None."""
    try:
        socket.create_connection((host, port), KNOCK_LIMIT_S).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return None


def read_model(home: Path, now: datetime) -> Finding:
    """Whether the newest snapshot is one that this version can read."""
    if not (home / LINK).exists():
        return Finding("read model", "ok", "there is none yet: a running projector makes it")
    try:
        seen = picture(home, now, 0)
    except EarmarkError as error:
        what, _, fix = str(error).rpartition(": ")
        return Finding("read model", "broken", what, fix)
    if seen.rejects:
        return Finding(
            "read model",
            "look",
            f"{seen.rejects} records of the log are no event that this version can read",
            '`earmark sql "FROM _rejects"` shows them',
        )
    return Finding("read model", "ok", f"a snapshot of {seen.published_at:%Y-%m-%d %H:%M} UTC")
