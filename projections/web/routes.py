"""Every page."""

from projections.web.page import Page
from projections.web.pages import calls, channel, consensus, operations, prompts, search, symbol, video

PAGES = (
    Page("calls", "/", "calls.html", calls.show, prepare=calls.prepare),
    Page("video", "/video/{video_id:.+}", "video.html", video.show),
    Page("search", "/search", "search.html", search.show),
    Page("symbol", "/symbol/{symbol:.+}", "symbol.html", symbol.show),
    Page("channel", "/channel/{channel_id:.+}", "channel.html", channel.show, outside=True),
    Page("consensus", "/consensus", "consensus.html", consensus.show),
    Page(
        "operations",
        "/operations",
        "operations.html",
        operations.show,
        outside=True,
        prepare=operations.prepare,
    ),
    Page("prompts", "/prompts", "prompts.html", prompts.show),
)
