"""What cannot be meant by `earmark retry`."""

import pytest
from click.testing import CliRunner

from streams.cli.retry import retry


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name each VIDEO, or give --failed"),
        (["--yes"], "name each VIDEO, or give --failed"),
        (["--failed", "abcdefghijk"], "name each VIDEO or give --failed, not both"),
        (["--failed", "-dashvideo0"], "name each VIDEO or give --failed, not both"),
        (["abcdefghijk", "--reason", "private"], "narrow --failed: leave them out"),
        (["abcdefghijk", "--since", "3d"], "narrow --failed: leave them out"),
        (["abcdefghijk", "--channel", "@c"], "narrow --failed: leave them out"),
        (["--failed", "--since", "soon"], "write a date"),
    ],
)
def test_a_wrong_usage_names_the_fix(words: list[str], sentence: str) -> None:
    result = CliRunner().invoke(retry, words)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_what_is_no_video_is_said() -> None:
    assert "is no video" in str(CliRunner().invoke(retry, ["nothing"]).exception)
