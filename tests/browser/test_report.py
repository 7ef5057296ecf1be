"""The report as its reader has it: opened from disk, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import url_contains
from selenium.webdriver.support.ui import WebDriverWait

from drystone.review.report.pages import write_report
from tests.review.report.conftest import review_of_project

DESKTOP, PHONE = (1400, 900), (360, 740)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the small project."""
    folder = tmp_path_factory.mktemp("report")
    write_report(review_of_project(), folder)
    return folder


@pytest.fixture
def page(browser: Chrome, report: Path) -> Iterator[Chrome]:
    """The report's start page, in a desktop's window and light colours."""
    show(browser, DESKTOP)
    emulate(browser, "light")
    browser.get((report / "index.html").as_uri())
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    complaints(browser)
    yield browser
    emulate(browser, "light")
    assert complaints(browser) == []


def show(browser: Chrome, size: tuple[int, int]) -> None:
    width, height = size
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def emulate(browser: Chrome, scheme: str, media: str = "") -> None:
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": media, "features": features}
    )


def complaints(browser: Chrome) -> Any:
    """Return what the browser has logged since it was last asked."""
    log: Any = browser.get_log
    return log("browser")


def press(browser: Chrome, *keys: str) -> None:
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def focused(browser: Chrome) -> WebElement:
    return browser.switch_to.active_element


def heading(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "h1").text


def ground(browser: Chrome) -> Any:
    return browser.execute_script(
        "return getComputedStyle(document.body).backgroundColor"
    )


def test_every_page_loads_without_a_complaint(browser: Chrome, report: Path) -> None:
    for path in sorted(report.rglob("*.html")):
        browser.get(path.as_uri())
        assert complaints(browser) == [], path.name
        loaded = browser.execute_script(
            "return [document.styleSheets.length, typeof window.drystoneIndex]"
        )
        assert loaded == [1, "object"], path.name


def test_the_search_finds_a_table_and_enter_opens_it(page: Chrome) -> None:
    press(page, "/")
    field = focused(page)
    assert field.get_attribute("role") == "combobox"
    field.send_keys("order")
    options = page.find_elements(By.CSS_SELECTOR, "#found [role=option]")
    assert "shop.orders" in options[0].text
    assert field.get_attribute("aria-activedescendant") == options[0].get_attribute(
        "id"
    )
    assert field.get_attribute("aria-expanded") == "true"
    press(page, Keys.ENTER)
    WebDriverWait(page, 5).until(url_contains("tables/shop.orders.html"))
    assert heading(page) == "shop.orders"
    shown = page.find_element(By.CSS_SELECTOR, "table.columns").text
    assert "item_id bigint" in shown


def test_results_are_chosen_by_arrows_and_escape_closes_them(page: Chrome) -> None:
    press(page, "/", "s", "h", "o", "p")
    options = page.find_elements(By.CSS_SELECTOR, "#found [role=option]")
    assert len(options) > 2
    press(page, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    chosen = [each.get_attribute("aria-selected") for each in options]
    assert chosen.index("true") == 1
    assert chosen.count("true") == 1
    press(page, Keys.ESCAPE)
    assert not page.find_element(By.ID, "found").is_displayed()
    assert focused(page).get_attribute("value") == "shop"
    press(page, Keys.ESCAPE)
    assert focused(page).get_attribute("value") == ""


def test_search_finds_columns_queries_migrations_and_findings(page: Chrome) -> None:
    for word, address in (
        ("price", "tables/shop.items.html#column-price"),
        ("find_item", "queries/shop.items.html#query-find_item"),
        ("0003", "migrations/shop-0003-set-default.html"),
    ):
        field = page.find_element(By.ID, "search")
        field.clear()
        field.send_keys(word)
        first = page.find_element(By.CSS_SELECTOR, "#found a")
        assert str(first.get_attribute("href")).endswith(address)
    field.clear()
    field.send_keys("nothing is called so")
    assert "Nothing" in page.find_element(By.ID, "found").text


def test_a_query_shows_its_plan_as_a_picture_and_as_text(page: Chrome) -> None:
    page.find_element(By.LINK_TEXT, "items").click()
    section = page.find_element(
        By.CSS_SELECTOR, "section[aria-labelledby=query-find_item]"
    )
    picture = section.find_element(By.CSS_SELECTOR, "svg.plan")
    assert picture.is_displayed()
    assert picture.size["width"] > 100
    assert "Index Scan" in picture.text
    folded = section.find_element(By.CSS_SELECTOR, "details pre")
    assert not folded.is_displayed()
    section.find_element(By.TAG_NAME, "summary").click()
    assert "Index Scan" in folded.text


def test_the_keyboard_alone_leads_from_the_release_to_a_query(page: Chrome) -> None:
    press(page, Keys.TAB)
    assert focused(page).text == "Skip to the content"
    assert focused(page).rect["y"] >= 0
    press(page, Keys.ENTER, Keys.TAB)
    assert page.execute_script(
        "return document.querySelector('main').contains(document.activeElement)"
    )
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert page.execute_script(outline) != "none"
    press(page, "/", *"orders_of", Keys.ENTER)
    WebDriverWait(page, 5).until(
        url_contains("queries/shop.items.html#query-orders_of")
    )
    assert page.find_element(By.ID, "query-orders_of").is_displayed()


def test_dark_follows_the_system_until_somebody_chooses(page: Chrome) -> None:
    light = ground(page)
    emulate(page, "dark")
    dark = ground(page)
    assert dark != light
    button = page.find_element(By.ID, "theme")
    # The page hears of it when it is drawn next.
    WebDriverWait(page, 5).until(
        lambda _: button.get_attribute("aria-pressed") == "true"
    )
    button.click()
    assert ground(page) == light
    page.find_element(By.LINK_TEXT, "Drift").click()
    assert ground(page) == light


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_page_is_wider_than_its_window(
    browser: Chrome, report: Path, size: tuple[int, int]
) -> None:
    show(browser, size)
    for path in sorted(report.rglob("*.html")):
        browser.get(path.as_uri())
        needed, there = browser.execute_script(
            "const page = document.documentElement;"
            "return [page.scrollWidth, page.clientWidth]"
        )
        assert needed == there, path.name


def test_on_paper_there_is_no_navigation_and_nothing_is_folded(page: Chrome) -> None:
    page.find_element(By.LINK_TEXT, "shop").click()
    page.find_element(By.LINK_TEXT, "shop.items").click()
    emulate(page, "light", media="print")
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert not page.find_element(By.CSS_SELECTOR, "header.top").is_displayed()
    assert page.find_element(By.CSS_SELECTOR, "details pre").is_displayed()


def test_without_scripts_everything_is_there_but_search_and_colours(
    browser: Chrome, report: Path
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get((report / "migrations" / "shop-0003-set-default.html").as_uri())
        assert not browser.find_element(By.CSS_SELECTOR, ".search").is_displayed()
        assert not browser.find_element(By.ID, "theme").is_displayed()
        assert (
            "ALTER TABLE shop.items" in browser.find_element(By.TAG_NAME, "main").text
        )
    finally:
        browser.execute_cdp_cmd(
            "Emulation.setScriptExecutionDisabled", {"value": False}
        )
