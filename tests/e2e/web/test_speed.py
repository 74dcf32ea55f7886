"""The first load stays small, and a tap redraws little of a page with a hundred faces."""

from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.web import school
from tests.e2e.web.phone import choose

FIRST_LOAD_BYTES = 150_000
CHANGED_NODES = 400
"""A dialog with its candidates; a page that redraws its hundred faces changes thousands."""


def test_the_first_load_is_small(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate(
        """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
            .map((entry) => [entry.name, entry.transferSize])"""
    )
    total = sum(size for _, size in loaded)
    assert 20_000 < total < FIRST_LOAD_BYTES, loaded
    assert len(loaded) > 20


def test_a_tap_does_not_draw_a_hundred_faces_again(page: Page, site: str, samples: Path) -> None:
    with httpx.Client(base_url=site, timeout=600) as api:
        school.settle(api, samples)
    page.reload()
    choose(page, {"name": "crowd.jpg", "mimeType": "image/jpeg", "buffer": school.crowd(samples)})
    frames = page.locator(".frame")
    expect(frames).to_have_count(100)
    page.evaluate(
        """() => {
            globalThis.changed = 0;
            const size = (node) => 1 + (node.querySelectorAll ? node.querySelectorAll("*").length : 0);
            new MutationObserver((records) => {
                for (const record of records) {
                    const nodes = [...record.addedNodes, ...record.removedNodes];
                    changed += nodes.length ? nodes.reduce((sum, node) => sum + size(node), 0) : 1;
                }
            }).observe(document.documentElement, {
                subtree: true, childList: true, attributes: true, characterData: true,
            });
        }"""
    )
    changed = []
    for index in (0, 37, 99):
        # In the middle, where no bar lies over it.
        frames.nth(index).evaluate("frame => frame.scrollIntoView({ block: 'center' })")
        frames.nth(index).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        changed.append(page.evaluate("() => { const before = changed; changed = 0; return before; }"))
    for name in ("Zoom in", "Zoom in", "Zoom out", "Zoom out"):
        page.get_by_role("button", name=name).click()
        changed.append(page.evaluate("() => { const before = changed; changed = 0; return before; }"))
    assert 0 < max(changed) < CHANGED_NODES, changed
