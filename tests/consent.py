"""An owner at a vendor's page: what the browser does between us and the code."""

from html.parser import HTMLParser
from typing import override

from aiohttp import ClientSession
from yarl import URL

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"}


class ConsentError(Exception):
    """The page is not one on which an owner can consent."""


class _Page(HTMLParser):
    """The form of a page: where it goes, what is filled in, which buttons it has."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a browser would send."""
        given = dict(attrs)
        pair = (given.get("name") or "", given.get("value") or "")
        if tag == "form":
            self.action = given.get("action") or ""
        elif tag == "button":
            self.buttons.append(pair)
        elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.fields.append(pair)


async def consent(
    session: ClientSession, authorize_url: str, *, allow: bool = True
) -> str:
    """Answer the page of consent; returns the address that the browser is sent to."""
    url = URL(authorize_url, encoded=True)
    async with session.get(url, headers=BROWSER, allow_redirects=False) as answer:
        if location := answer.headers.get("Location"):
            return location
        page = _Page(await answer.text())
    if not page.buttons:
        raise ConsentError(f"{url.path} shows no form: HTTP {answer.status}")
    form = [*page.fields, page.buttons[0 if allow else -1]]
    async with session.post(
        url.join(URL(page.action)), data=form, headers=BROWSER, allow_redirects=False
    ) as answer:
        if "Location" not in answer.headers:
            raise ConsentError(f"{page.action} leads nowhere: HTTP {answer.status}")
        return answer.headers["Location"]
