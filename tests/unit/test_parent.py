"""A process ends with the one that started it, also when that one is killed with -9."""

import subprocess
import sys
import time

import psutil

CHILD = """
import os, signal, sys, time
from streams.parent import end_with_parent
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_parent(os.getppid(), grace_s=float(sys.argv[2]))
print(os.getpid(), flush=True)
time.sleep(600)
"""
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
time.sleep(600)
"""
LIMIT_S = 10.0


def end_of_the_child(*how: str) -> float:
    """How long the child of a killed process lived on, in seconds."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD, *how], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    began = time.monotonic()
    child.wait(LIMIT_S)
    return time.monotonic() - began


def test_a_child_is_asked_to_stop_once_its_parent_is_gone() -> None:
    assert end_of_the_child("hears", "60") < LIMIT_S


def test_a_child_that_does_not_stop_is_ended_when_its_grace_is_over() -> None:
    assert 1.0 < end_of_the_child("deaf", "1") < LIMIT_S


def test_a_child_without_grace_ends_at_once() -> None:
    assert end_of_the_child("deaf", "0") < LIMIT_S
