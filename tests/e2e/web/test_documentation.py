"""The API's documentation in a real browser: it renders without an error and asks no other site for anything."""

from playwright.sync_api import Page, expect


def test_the_documentation_shows_every_route_from_this_server_alone(page: Page) -> None:
    # `page` fails the test for every error in the console and every request to another host.
    page.goto("/docs")
    expect(page.get_by_role("heading", name="Muster")).to_be_visible()
    page.get_by_text("/mark/detect").first.click()
    expect(page.get_by_text("1 to 10 photos of the group.").first).to_be_visible()
    page.get_by_role("button", name="Try it out").first.click()
    expect(page.get_by_role("button", name="Execute").first).to_be_visible()
