"""Every page."""

from projections.web.page import Page
from projections.web.pages import calls

PAGES = (Page("calls", "/", "calls.html", calls.show),)
