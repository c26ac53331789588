"""What a person does in the web client, from an empty install on, with real connectors, PostgreSQL and S3.

The first steps are gone where `towpath up` serves the client, and behind the Envoy of a deployment too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from end_to_end_pipe import Pipe, fresh_pipe
from playwright.sync_api import Browser, expect
from stack import Stack
from towpath_local.embedded.postgres import EmbeddedPostgres
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk._wire.states import decode_state
from web_page import SECONDS, WebPage, open_page
from web_site import Site, deployed_site

_EVERYWHERE = ("towpath up", "deployment")
_HERE = pytest.mark.parametrize("site", _EVERYWHERE[:1], indirect=True)


@pytest.fixture(scope="module", params=_EVERYWHERE)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Where the web client is; each starts when the first test there does."""
    if request.param == "deployment":
        temporal, postgres = (request.getfixturevalue(name) for name in ("temporal", "postgres"))
        with deployed_site(tmp_path_factory.mktemp("site"), temporal, postgres) as deployed:
            yield deployed
    else:
        stack: Stack = request.getfixturevalue("stack")
        yield Site(stack.endpoint.web)


@pytest.fixture(scope="module")
def pipe(site: Site, stack: Stack, postgres: EmbeddedPostgres, s3: EmbeddedS3) -> Iterator[Pipe]:
    """A database with two tables and an empty bucket; no Towpath knows of them yet."""
    with fresh_pipe(stack, postgres, s3) as fresh:
        with fresh.database.connect() as connection:
            connection.execute(
                "CREATE TABLE orders (id int PRIMARY KEY, note text, updated_at timestamptz DEFAULT now())"
            )
            connection.execute("INSERT INTO orders SELECT i, 'order ' || i FROM generate_series(1, 5000) i")
            connection.execute("CREATE TABLE customers (id int PRIMARY KEY, name text)")
            connection.execute("INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 300) i")
        yield fresh


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[WebPage]:
    """One tab; whatever a flow does, the console stays silent and nobody else is asked for anything."""
    with open_page(browser, site.web, token=site.token) as opened:
        yield opened
        assert opened.complaints == []
        assert opened.foreign == []


def _fill(tab: WebPage, **fields: str) -> None:
    for label, text in fields.items():
        tab.page.get_by_label(re.compile(rf"^{label.replace('_', ' ')}\b")).first.fill(text)


def test_source_is_connected_and_its_secret_never_comes_back(tab: WebPage, pipe: Pipe) -> None:
    """A wrong password is answered by its remedy; the right one is stored, and shown as set."""
    database = pipe.database
    tab.go("/sources")
    tab.link("New source").first.click()
    tab.page.get_by_label("Search connectors").fill("postg")
    tab.page.get_by_role("link", name=re.compile("PostgreSQL")).click()
    tab.button("Save and check").click()
    tab.sees("This is required.")
    _fill(tab, Name="web-shop", Host=database.host, Port="99999", Database=database.name, User=database.user)
    tab.sees("99999")
    _fill(tab, Port=str(database.port), Password="wrong, and never shown")
    tab.button("Save and check").click()
    checks = tab.page.get_by_role("region", name="Checks")
    expect(checks.get_by_text("Failed").first).to_be_visible(timeout=SECONDS)
    expect(checks.get_by_role("listitem").filter(has_text="Running")).to_have_count(0)
    expect(checks).to_contain_text("password")
    secret = tab.page.get_by_label("Password")
    expect(secret).to_have_value("")
    expect(secret).to_have_attribute("placeholder", re.compile("^Set"))
    assert "never shown" not in tab.page.content()
    _fill(tab, Password=database.password)
    tab.button("Save and check").click()
    expect(checks).to_contain_text("All checks passed.", timeout=SECONDS)


def test_streams_are_chosen_and_their_rows_are_watched_on_their_way(tab: WebPage, pipe: Pipe) -> None:
    """Destination by a form with a choice of shapes, streams from the tree, then a job that says where it stands."""
    tab.go("/destinations/new?connector=destination-s3")
    _fill(tab, Name="web-lake", Bucket=pipe.bucket, Endpoint=pipe.s3.endpoint, Region=pipe.s3.region)
    _fill(tab, Access_key_ID=pipe.s3.access_key, Secret_access_key=pipe.s3.secret_key)
    tab.page.get_by_label("Path style").check()
    tab.page.get_by_role("radio", name=re.compile("^JSONL")).check()
    tab.button("Save and check").click()
    tab.sees("All checks passed.")
    tab.link("New connection").click()
    tab.page.get_by_role("button", name=re.compile("^web-shop")).click()
    tab.page.get_by_label("Search streams").fill("orders")
    tab.page.get_by_role("checkbox", name="public.orders").check()
    tab.button("orders").click()
    settings = tab.page.get_by_role("heading", name="public.orders").locator("..")
    settings.get_by_label("Read").select_option(label="Incremental: what is new")
    settings.get_by_label("Cursor").select_option("updated_at")
    expect(settings.get_by_label("Write")).to_have_value("1")
    place = settings.get_by_role("region", name="Goes to")
    expect(place).to_contain_text(f"s3://{pipe.bucket}/public/orders/….jsonl", timeout=SECONDS)
    tab.button("Show rows").click()
    rows = tab.page.get_by_role("region", name="Table of public.orders").get_by_role("row")
    expect(rows).to_have_count(21, timeout=SECONDS)
    expect(rows.nth(1)).to_contain_text("order ")
    assert tab.barriers() == []
    settings.get_by_role("checkbox", name="note").uncheck()
    expect(rows).to_have_count(0)
    tab.button("Continue").click()
    tab.page.get_by_label("By the calendar").check()
    tab.sees("The next five times, in your zone")
    expect(tab.page.locator(".times li")).to_have_count(5)
    tab.button("Create and sync").click()
    expect(tab.page).to_have_url(re.compile("/jobs/"), timeout=SECONDS)
    expect(tab.page.locator(".job-lead")).to_contain_text("Succeeded", timeout=120_000)
    expect(tab.page.get_by_role("progressbar", name=re.compile(r"public\.orders"))).to_have_attribute(
        "aria-valuenow", "100"
    )
    expect(tab.page.locator(".numbers")).to_contain_text("5,000")


@_HERE
def test_connection_tells_its_history_and_leaves_as_a_file_that_apply_takes(tab: WebPage, stack: Stack) -> None:
    """What the browser exports, the command line takes; nothing changes by it, and no secret is in it."""
    tab.go("/connections")
    expect(tab.page.get_by_role("row", name=re.compile("web-shop-web-lake"))).to_contain_text("Succeeded")
    tab.link("web-shop-web-lake").click()
    expect(tab.page.get_by_role("img", name="Rows per run")).to_be_visible(timeout=SECONDS)
    tab.link("State").click()
    tab.sees("updated_at")
    tab.link("Events").last.click()
    tab.sees("create")
    tab.link("YAML").click()
    text = tab.page.locator("pre").inner_text()
    assert "${WEB_SHOP_PASSWORD}" in text
    assert "cron: 0 3 * * *" in text
    connection = text.split("---\n")[-1]
    applied = stack.cli("apply", "-f", "-", "--dry-run", stdin=connection)
    assert applied.code == 0, applied.err
    assert "unchanged" in applied.out + applied.err


@_HERE
def test_settings_and_state_are_changed_behind_a_guard(tab: WebPage, stack: Stack) -> None:
    """What costs data asks for the name first; what is saved is what the command line then sees."""
    tab.go("/connections/web-shop-web-lake?tab=settings")
    tab.page.get_by_label("At an interval").check()
    tab.page.get_by_label("Every", exact=True).fill("15")
    tab.page.get_by_label("Unit").select_option("m")
    tab.button("Save").click()
    tab.sees("Saved.")
    tab.link("State").click()
    dialog = tab.page.get_by_role("dialog")
    tab.page.get_by_role("button", name="Edit state public.orders").click()
    content = dialog.get_by_label("State, as JSON")
    before = content.input_value()
    content.fill(before[:-1])
    expect(dialog).to_contain_text("This is no valid JSON.")
    content.fill(f"{before[:-1]} }}")
    expect(dialog.get_by_role("button", name="Replace the state")).to_be_disabled()
    assert tab.barriers() == []
    dialog.get_by_label(re.compile("^Type")).fill("public.orders")
    dialog.get_by_role("button", name="Replace the state").click()
    expect(dialog).to_have_count(0)
    with stack.client() as client:
        [state] = client.connections.states("web-shop-web-lake")
    assert decode_state(state.state) == json.loads(before)
    assert state.state.endswith(b" }")
    tab.page.get_by_role("button", name="Reset state public.orders").click()
    expect(dialog.get_by_role("button", name="Reset state")).to_be_disabled()
    dialog.get_by_label(re.compile("^Type")).fill("public.orders")
    dialog.get_by_role("button", name="Reset state").click()
    tab.sees("from the start")
    with stack.client() as client:
        stored = client.connections.get("web-shop-web-lake")
    assert stored.schedule.interval.seconds == 900


@_HERE
def test_pipeline_file_is_compared_and_then_imported(tab: WebPage, stack: Stack) -> None:
    """The same file as for the command line makes the same things, and every difference is seen before it is made."""
    file = "kind: source\nname: web-made-up\nconnector: source-faker\nconfig: {seed: 4611686018427387905}\n"
    tab.go("/import")
    text, plan = tab.page.get_by_label("Pipeline file"), tab.page.locator(".plan li")
    text.fill(file.replace("config", "confg"))
    tab.button("Show what will change").click()
    tab.sees("“confg” means nothing here")
    text.fill(file)
    tab.button("Show what will change").click()
    expect(plan).to_contain_text("create")
    tab.button("Apply").click()
    tab.sees("Applied.")
    tab.button("Show what will change").click()
    tab.sees("There is nothing to change.")
    text.fill(file.replace("905}", "906, rows: 7}"))
    tab.button("Show what will change").click()
    expect(plan).to_contain_text("change")
    expect(plan.locator("del")).to_have_text("4611686018427387905")
    expect(plan.locator("ins")).to_have_text(["4611686018427387906", "7"])
    with stack.client() as client:
        assert "4611686018427387905" in client.sources.get("web-made-up").config_json, "looking changes nothing"
    assert tab.barriers() == []
    tab.button("Apply").click()
    tab.sees("Applied.")
    with stack.client() as client:
        assert "4611686018427387906" in client.sources.get("web-made-up").config_json
