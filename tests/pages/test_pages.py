"""The report, and whichloop's page, in a browser: as one sees, hears and steps through them."""

import json

import pytest
from whichloop.present.html import html_page
from whichloop.recording import of_json

from scripts.paths import ROOT
from scripts.sides import manifest
from scripts.views.report import SAMPLE, SAMPLE_PAGE, page
from tests.support.runs import many_tests

MANIFEST = manifest.load()
SIDES = [side.id for side in MANIFEST.side[1:]]
SIZES = {"phone": (390, 844), "laptop": (1280, 800), "projector": (1920, 1080)}
THEMES = ("light", "dark")
SHOTS = ROOT / "results" / "pages"  # for you to look at


@pytest.fixture(scope="session")
def fragment(tmp_path_factory):
    """whichloop's own page of the sample's broken side."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    recording = json.loads(SAMPLE.read_text("utf-8"))["recordings"]["broken"]
    recording["findings"] = [row | {"during": row["during"][0]} for row in recording["findings"]]
    path.write_text(html_page(of_json(recording)), "utf-8")
    return path


def violations(page, axe):
    page.evaluate(axe)
    found = page.evaluate("axe.run().then(done => done.violations)")
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in found]


@pytest.mark.parametrize(
    ("address", "theme"),
    [("#fix-09", "light"), ("", "dark"), ("#trap-04?driver=postgres&verdict=some", "dark")],
)
def test_axe_finds_nothing(opened, axe, theme, address):
    page = opened(SAMPLE_PAGE, address, color_scheme=theme)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")

    assert violations(page, axe) == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_whichloops_page(opened, axe, fragment, theme):
    assert violations(opened(fragment, color_scheme=theme), axe) == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("address", ["", "#fix-09", "#tests"])
def test_it_fits_the_screen(opened, size, theme, address):
    width, height = SIZES[size]
    page = opened(
        SAMPLE_PAGE, address, color_scheme=theme, viewport={"width": width, "height": height}
    )

    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{size}-{theme}{address.replace('#', '-')}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[theme]


def visible(page):
    return [panel.get_attribute("id") for panel in page.locator(".panel:visible").all()]


def test_arrow_keys_step_through_the_sides_and_each_has_an_address(opened):
    page = opened(SAMPLE_PAGE, "#fix-18")
    assert visible(page) == ["fix-18"]
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        page.wait_for_function(
            "text => location.hash !== text", arg=f"#{(walked or ['fix-18'])[-1]}"
        )
        walked += visible(page)
        assert page.url.endswith(f"#{walked[-1]}")
        assert page.evaluate("document.activeElement.id") == f"{walked[-1]}-title"

    assert walked == ["fix-19", "trap-01", "fix-19"]
    page.go_back()
    page.wait_for_function("location.hash === '#trap-01'")
    assert visible(page) == ["trap-01"]
    assert page.locator("#trap-01 .before svg").is_visible()


def test_filters_have_an_address_and_leave_what_fits(opened):
    page = opened(SAMPLE_PAGE, "#remedies?driver=motor&verdict=all")
    listed = page.locator(".list [data-side]:visible")
    cures = [row.get_attribute("data-motor") for row in listed.all()]
    assert cures
    assert set(cures) == {"all"}

    page.locator("select[name=source]").select_option("Report B")
    page.wait_for_function("location.hash.includes('source')")
    assert page.url.endswith("#remedies?driver=motor&verdict=all&source=Report+B")
    left = [row.get_attribute("data-side") for row in listed.all()]
    assert left == ["fix-03", "fix-05"]
    page.locator(".list a:visible").first.click()
    assert visible(page) == ["fix-03"]
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.hash.startsWith('#fix-05?driver=motor')")
    assert page.locator(".matrix thead [data-side]:visible").count() == 2


def test_a_mark_tells_its_place_to_the_keyboard(opened):
    page = opened(SAMPLE_PAGE)
    spot = page.locator("#story > figure .spot", has_text="used on T").first
    assert not spot.locator(".tip").is_visible()

    spot.focus()

    assert "suite/helpers.py:16" in spot.locator(".tip").text_content()
    assert spot.locator(".tip").is_visible()
    assert "suite/helpers.py:16" in spot.get_attribute("aria-label")


@pytest.mark.parametrize("way", ["scripts off", "print"])
def test_without_scripts_and_in_print_all_is_there(opened, way):
    page = opened(SAMPLE_PAGE, java_script_enabled=way == "print")
    if way == "print":
        page.emulate_media(media="print")

    assert visible(page) == SIDES
    assert not page.locator("#filters").is_visible()
    assert not page.locator(".stepper").is_visible()


def test_a_page_of_500_tests_is_small_and_can_be_used_within_two_seconds(opened, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page(*many_tests(500), {}), "utf-8")
    assert path.stat().st_size <= 10**6

    shown = opened(path)
    devtools = shown.context.new_cdp_session(shown)
    # The processor's time: what else runs here must not matter.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    shown.reload()
    shown.keyboard.press("ArrowRight")
    shown.wait_for_function("location.hash === '#fix-10'")
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    took = {metric["name"]: metric["value"] for metric in metrics}

    assert visible(shown) == ["fix-10"]
    assert 0 < took["TaskDuration"] <= 2
