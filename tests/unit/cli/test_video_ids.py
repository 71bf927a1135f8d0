"""A word that looks like an option and is a video's id."""

import click
import pytest
from click.testing import CliRunner

from streams.cli.video_ids import VideoIds
from streams.discovery.addresses import video_id_of

IDS = ["-dashvideo0", "--doubled_h", "-h_elp_aaaa", "-----------", "-y_yes_0123"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """A group with a short name for help, as `earmark` has."""


@group.command(cls=VideoIds)
@click.argument("video", nargs=-1)
@click.option("-y", "--yes", is_flag=True)
@click.option("--eleven-aa", is_flag=True)
@click.option("--reason")
def take(video: tuple[str, ...], reason: str | None, *, yes: bool, eleven_aa: bool) -> None:
    """Take videos."""
    click.echo(f"{[video_id_of(word) for word in video]} {yes} {eleven_aa} {reason}")


def said(*words: str) -> str:
    result = CliRunner().invoke(group, ["take", *words])
    assert result.exit_code == 0, result.output
    return result.output.strip()


@pytest.mark.parametrize("video_id", IDS)
def test_an_id_with_a_dash_in_front_is_a_video(video_id: str) -> None:
    for words in ([video_id], [video_id, "--yes"], ["-y", video_id], ["--yes", "--", video_id]):
        assert said(*words) == f"['{video_id}'] {len(words) > 1} False None"


def test_videos_keep_their_order() -> None:
    assert said("aaaaaaaaaaa", "-dashvideo0", "--yes", "bbbbbbbbbbb") == (
        "['aaaaaaaaaaa', '-dashvideo0', 'bbbbbbbbbbb'] True False None"
    )


def test_an_option_is_an_option() -> None:
    """Also one that is shaped like an id; and an option's value is its value."""
    assert said("--eleven-aa") == "[] False True None"
    assert said("--reason", "-dashvideo0") == "[] False False -dashvideo0"
    assert said("--reason=-dashvideo0", "-dashvideo1") == "['-dashvideo1'] False False -dashvideo0"
    assert said("-h").startswith("Usage: ")
    assert said("--help").startswith("Usage: ")


@pytest.mark.parametrize("word", ["-short", "--unheard-of", "-dashvideo0-"])
def test_what_is_neither_is_a_mistake(word: str) -> None:
    result = CliRunner().invoke(group, ["take", word])
    assert result.exit_code == 2
    assert "No such option" in result.output


def test_an_option_without_its_value_is_a_mistake() -> None:
    assert CliRunner().invoke(group, ["take", "--reason"]).exit_code == 2
