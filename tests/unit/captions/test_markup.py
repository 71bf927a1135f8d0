"""What a viewer sees of a caption."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.captions.markup import plain


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("I&#39;d buy AT&amp;T", "I'd buy AT&T"),
        ("&quot;hold&quot;&nbsp;it &#x2014; now", '"hold" it — now'),
        ("&amp;lt;", "&lt;"),
        ("&lt;i&gt; is a tag", "<i> is a tag"),
        ('<font color="#CCCCCC">buy</font> <i>it</i> <B>now</B>', "buy it now"),
        ("<c.colorE5E5E5>we</c><00:00:01.000><c> buy</c>", "we buy"),
        ("<v.loud Ann Lee>sell", "sell"),
        ("{\\an8}{\\i1}buy{\\i0}", "buy"),
        ("one<br>two<BR />three", "one two three"),
        ("Ap<i>ple</i>", "Apple"),
        ("a < b", "a < b"),
        ("5 < 6 > 4", "5 < 6 > 4"),
        ("a <bear and> c", "a <bear and> c"),
        ("AT&T", "AT&T"),
        ("AT&GT and B&not; R&D; S&P 500", "AT&GT and B¬ R&D; S&P 500"),
        ("{curly} {words}", "{curly} {words}"),
        ("  a\n\tb ", "a b"),
        ("\ud83d\ude80", "\U0001f680"),
        ("a\ud83d b\ude80\ud83d", "a\ufffd b\ufffd\ufffd"),
        ("&#xD800;&#0;", "\ufffd\ufffd"),
        ("<i></i>", ""),
    ],
)
def test_tags_go_entities_are_decoded_once_and_the_rest_stays(written: str, seen: str) -> None:
    assert plain(written) == seen


@given(st.text(st.characters(codec=None)))
def test_whatever_is_written_can_be_encoded(written: str) -> None:
    plain(written).encode()
