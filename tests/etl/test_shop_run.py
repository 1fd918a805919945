"""Whole runs of shops over real HTTP into a real database."""
# ruff: noqa: E501 - pages, tables and statements read better in one line

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.db.pool import Database
from app.demo.shops import SampleShops
from app.errors import BadInput
from app.settings import Settings
from app.sketch.catalogue import catalogue
from etl.adapters import Blocked, NoOffer
from etl.fetch import Limits
from etl.shop_run import CatalogueShrank, RunReport, run_shop, try_shop
from etl.shop_spec import ShopSpec, load_shop, shop_from
from tests.etl.conftest import Site, checksum, picture, rows

QUICK = Limits(delay_s=0, timeout_s=5, tries=2, backoff_s=0.01)


@pytest.fixture
def open_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"fetch_allow_hosts": ("127.0.0.1",)})


def spec_of(url: str, adapter: str = "schema_org", **more: Any) -> ShopSpec:
    return shop_from("test", {"name": "Test Shop", "adapter": adapter, "start_urls": [url], **more})


def run(db: Database, settings: Settings, spec: ShopSpec, **more: Any) -> RunReport:
    return run_shop(db, settings, spec, limits=QUICK, **more)


def put_product(site: Site, number: int, price: str = "50.00", **more: Any) -> None:
    stated = {
        "@type": "Product", "name": f"Shoe {number}", "sku": f"S{number}", "image": f"/i/{number}.png",
        "offers": {"price": price, "priceCurrency": "EUR", "availability": "InStock", **more},
    }  # fmt: skip
    body = f'<html><body><script type="application/ld+json">{json.dumps(stated)}</script></body></html>'
    site.put(f"/p/{number}", body, ETag=f'"{number}-{hash(body)}"')
    site.put(f"/i/{number}.png", picture(number))


def put_listing(site: Site, numbers: range, path: str = "/shoes", tail: str = "") -> None:
    cards = "".join(
        f'<div class="card"><a href="/p/{n}"><img src="/i/{n}.png">Shoe {n}</a> <b>€50.00</b></div>'
        for n in numbers
    )
    site.put(path, f"<html><body><div>{cards}</div>{tail}</body></html>")


@pytest.fixture
def shop(site: Site) -> Site:
    """A shop of 24 products on two listing pages."""
    for number in range(24):
        put_product(site, number)
    put_listing(site, range(12), tail='<a rel="next" href="/shoes?page=2">next</a>')
    put_listing(site, range(12, 24), "/shoes?page=2")
    return site


def stock(db: Database) -> dict[str, int]:
    return dict(rows(db, "SELECT availability, count(*)::int FROM offer GROUP BY 1"))


def test_the_sample_shops_are_read_as_they_are(
    db: Database, open_settings: Settings, tmp_path: Path
) -> None:
    """Every offer of the sample shops, against what the shops know they sell."""
    with SampleShops(catalogue(1, 40), cache=tmp_path / "drawn") as shops:
        specs = (
            spec_of(f"{shops.schema_org_url}sneakers/", name="Listing"),
            spec_of(f"{shops.schema_org_url}sitemap.xml", name="Sitemap"),
            spec_of(shops.shopify_url, "shopify", name="Shopify"),
        )
        for spec, truth in zip(specs, (shops.harbour, shops.harbour, shops.boxfresh), strict=True):
            report = run(db, open_settings, spec)
            assert report.faults == ()
            assert report.counts.offers_new == len(truth)
            found = {
                row[0]: row[1:]
                for row in rows(
                    db,
                    "SELECT o.style_code, o.price, o.list_price, o.currency, o.availability, b.name,"
                    " (SELECT count(*) FROM offer_image i WHERE i.offer_id = o.id),"
                    " (SELECT count(*) FROM offer_size z WHERE z.offer_id = o.id AND z.available)"
                    " FROM offer o JOIN shop s ON s.id = o.shop_id JOIN product p ON p.id = o.product_id"
                    f" JOIN brand b ON b.id = p.brand_id WHERE s.name = '{spec.name}'",
                )
            }
            assert found == {
                one.item.style_code: (
                    one.price, one.list_price, one.currency,
                    "in_stock" if one.available else "out_of_stock", one.item.brand,
                    len(one.shots), sum(1 for size in one.sizes if size.stock),
                )
                for one in truth
            }  # fmt: skip
        before = checksum(db)
        again = [run(db, open_settings, spec) for spec in specs]
    assert checksum(db) == before
    assert (
        sum(r.counts.offers_new + r.counts.offers_changed + r.counts.images_new for r in again) == 0
    )
    # The offers of both shops meet in one product by style code.
    assert rows(db, "SELECT count(*) FROM product WHERE style_code IS NOT NULL") == rows(
        db, "SELECT count(DISTINCT style_code) FROM offer"
    )


def test_an_unchanged_shop_costs_304s(db: Database, open_settings: Settings, shop: Site) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    assert run(db, open_settings, spec).counts.offers_new == 24
    before = checksum(db)
    shop.requests.clear()
    report = run(db, open_settings, spec)

    assert report.counts.offers_unchanged == 24
    assert checksum(db) == before
    conditional = [path for path, headers in shop.requests if "if-none-match" in headers]
    assert len(conditional) == 24
    assert not any(path.startswith("/i/") for path, _ in shop.requests)


def test_changes_are_followed(db: Database, open_settings: Settings, shop: Site) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    run(db, open_settings, spec)
    put_product(shop, 3, price="45.00")
    put_product(shop, 4, availability="OutOfStock")
    report = run(db, open_settings, spec)

    assert (report.counts.offers_changed, report.counts.offers_unchanged) == (2, 22)
    history = rows(
        db,
        "SELECT o.sku, pp.price, pp.availability FROM price_point pp JOIN offer o ON"
        " o.id = pp.offer_id WHERE o.sku IN ('S3', 'S4') ORDER BY 1, pp.id",
    )
    assert history == [
        ("S3", Decimal(50), "in_stock"), ("S3", Decimal(45), "in_stock"),
        ("S4", Decimal(50), "in_stock"), ("S4", Decimal(50), "out_of_stock"),
    ]  # fmt: skip


def test_what_a_complete_run_does_not_see_is_sold_out(
    db: Database, open_settings: Settings, shop: Site
) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    run(db, open_settings, spec)
    put_listing(shop, range(12, 22), "/shoes?page=2")
    report = run(db, open_settings, spec)
    assert report.counts.offers_gone == 2
    assert stock(db) == {"in_stock": 22, "out_of_stock": 2}

    put_listing(shop, range(12, 24), "/shoes?page=2")
    run(db, open_settings, spec)
    # Its page answers 304, yet the offer is back.
    assert stock(db) == {"in_stock": 24}


def test_a_page_that_is_gone_is_sold_out_and_one_that_fails_is_not(
    db: Database, open_settings: Settings, shop: Site
) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    run(db, open_settings, spec)
    shop.put("/p/1", "gone", 404)
    shop.put("/p/2", "oops", 500)
    shop.put("/p/3", "<html><body><p>maintenance</p></body></html>")
    report = run(db, open_settings, spec)

    assert {f.code for f in report.faults} == {"http_404", "http_500", "no_offer"}
    assert rows(db, "SELECT sku FROM offer WHERE availability = 'out_of_stock'") == [("S1",)]


def test_an_incomplete_run_marks_nothing(db: Database, open_settings: Settings, shop: Site) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    run(db, open_settings, spec)
    shop.put("/shoes?page=2", "busy", 503)
    report = run(db, open_settings, spec)

    assert report.counts.offers_gone == 0
    assert stock(db) == {"in_stock": 24}
    assert rows(db, "SELECT complete FROM etl_run ORDER BY id") == [(True,), (False,)]
    run(db, open_settings, spec, limit=3)
    assert stock(db) == {"in_stock": 24}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html><head><title>Just a moment...</title></head><body></body></html>", Blocked),
        ("<html><body><p>We are moving house</p></body></html>", NoOffer),
        ("<html><body><div><a href=", NoOffer),
    ],
    ids=["challenge", "empty listing", "cut listing"],
)
def test_a_strange_listing_stops_the_run(
    db: Database, open_settings: Settings, shop: Site, body: str, kind: type[Exception]
) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    run(db, open_settings, spec)
    shop.put("/shoes", body)
    with pytest.raises(kind):
        run(db, open_settings, spec)
    assert rows(db, "SELECT state FROM etl_run ORDER BY id DESC LIMIT 1") == [("failed",)]
    assert stock(db) == {"in_stock": 24}


def test_a_challenge_in_mid_run_stops_it(db: Database, open_settings: Settings, shop: Site) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    run(db, open_settings, spec)
    shop.put("/p/20", "<html><title>Just a moment...</title></html>")
    with pytest.raises(Blocked):
        run(db, open_settings, spec)
    assert stock(db) == {"in_stock": 24}


def test_a_shrunken_catalogue_is_an_error(
    db: Database, open_settings: Settings, shop: Site
) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    run(db, open_settings, spec)
    put_listing(shop, range(5))
    with pytest.raises(CatalogueShrank, match="19 of 24"):
        run(db, open_settings, spec)
    assert stock(db) == {"in_stock": 24}


def test_broken_pictures_are_named_and_tried_again(
    db: Database, open_settings: Settings, shop: Site
) -> None:
    shop.put("/i/5.png", "not a picture")
    shop.put("/i/6.png", "", 500)
    spec = spec_of(f"{shop.base}/shoes")
    report = run(db, open_settings, spec)
    assert {(f.item.rsplit("/", 1)[1], f.code) for f in report.faults} == {
        ("5.png", "not_an_image"), ("6.png", "fetch"),
    }  # fmt: skip
    assert (report.counts.offers_new, report.counts.images_new) == (24, 22)

    shop.put("/i/5.png", picture(5))
    shop.put("/i/6.png", picture(6))
    assert run(db, open_settings, spec).counts.images_new == 2
    assert rows(db, "SELECT count(*) FROM offer_image") == [(24,)]


def test_endless_pagination_ends(db: Database, open_settings: Settings, site: Site) -> None:
    for number in range(4):
        put_product(site, number)
    for n in range(1, 30):
        put_listing(
            site, range(4), f"/shoes?page={n}", f'<a rel="next" href="/shoes?page={n + 1}">next</a>'
        )
    report = run(db, open_settings, spec_of(f"{site.base}/shoes?page=1"))
    assert report.counts.offers_new == 4
    assert sum(1 for path, _ in site.requests if path.startswith("/shoes")) < 8


def test_a_shop_that_names_private_pictures(db: Database, settings: Settings, shop: Site) -> None:
    guarded = settings.model_copy(update={"fetch_allow_hosts": (f"127.0.0.1:{shop.port}",)})
    put_product(shop, 1)
    body = shop.answers["/p/1"].body.replace(b"/i/1.png", b"http://169.254.169.254/latest/key.png")
    shop.put("/p/1", body)
    report = run(db, guarded, spec_of(f"{shop.base}/shoes"))
    assert [f.code for f in report.faults] == ["fetch"]
    assert "not a public address" in report.faults[0].message


def test_categories_and_currency_of_the_shops_file(
    db: Database, open_settings: Settings, site: Site
) -> None:
    def listed(number: int, kind: str) -> dict[str, Any]:
        return {"id": number, "title": f"Item {number}", "handle": f"i{number}", "product_type": kind,
                "variants": [{"id": number, "price": "10.00", "available": True}]}  # fmt: skip

    goods = [listed(1, "Sneakers"), listed(2, "Socks")]
    site.put("/products.json?limit=250&page=1", json.dumps({"products": goods}))
    site.put("/products.json?limit=250&page=2", '{"products": []}')
    spec = spec_of(site.base, "shopify", currency="SEK", category_pattern="sneaker|shoe")
    run(db, open_settings, spec)
    assert rows(db, "SELECT external_id, currency FROM offer") == [("1", "SEK")]


def untouched(db: Database) -> list[tuple]:
    """Row versions of the catalogue: of offers without the one column that may change."""
    kept = (
        "fetched_page",
        "price_point",
        "offer_size",
        "offer_image",
        "product",
        "shop",
        "image",
        "image_source",
    )
    found = rows(db, "SELECT (to_jsonb(o) - 'last_seen_at')::text FROM offer o ORDER BY id")
    for table in kept:
        found += rows(db, f"SELECT xmin::text, ctid::text FROM {table} ORDER BY ctid")
    return found


@pytest.mark.parametrize("order", [1, -1], ids=["first address first", "second address first"])
def test_an_unchanged_shop_is_only_seen_again(
    db: Database, open_settings: Settings, site: Site, order: int
) -> None:
    """Products under two addresses too: all pages answer 304, and nothing else is written."""
    for number in range(12):
        put_product(site, number)
        site.answers[f"/p/{number}?ref=hot"] = site.answers[f"/p/{number}"]
    links = [f"/p/{n}{tail}" for n in range(12) for tail in ("", "?ref=hot")]

    def listing(links: list[str]) -> None:
        cards = "".join(
            f'<div><a href="{u}"><img src="/i/0.png">Shoe</a> <b>€50.00</b></div>' for u in links
        )
        site.put("/shoes", f"<html><body><div>{cards}</div></body></html>")

    listing(links)
    spec = spec_of(f"{site.base}/shoes")
    assert run(db, open_settings, spec).counts.offers_new == 12
    before = untouched(db)
    listing(links[::order])
    site.requests.clear()
    report = run(db, open_settings, spec)
    assert report.counts.offers_changed == 0
    assert untouched(db) == before
    asked = [
        headers.get("if-none-match") for path, headers in site.requests if path.startswith("/p/")
    ]
    assert len(asked) == 24
    assert all(asked)


def test_a_second_address_takes_over_when_the_first_is_gone(
    db: Database, open_settings: Settings, site: Site
) -> None:
    for number in range(12):
        put_product(site, number)
    site.answers["/p/3?ref=hot"] = site.answers["/p/3"]
    cards = "".join(
        f'<div><a href="{u}"><img src="/i/0.png">Shoe</a> <b>€50.00</b></div>'
        for u in (*(f"/p/{n}" for n in range(12)), "/p/3?ref=hot")
    )
    site.put("/shoes", f"<html><body><div>{cards}</div></body></html>")
    spec = spec_of(f"{site.base}/shoes")
    run(db, open_settings, spec)
    site.put("/p/3", "gone", 404)
    for _ in range(2):
        run(db, open_settings, spec)
        assert stock(db) == {"in_stock": 12}
    [(page,)] = rows(db, "SELECT page_url FROM offer WHERE external_id = 'S3'")
    assert page.endswith("/p/3?ref=hot")


def test_the_end_of_every_run_is_announced(
    db: Database, open_settings: Settings, shop: Site
) -> None:
    spec = spec_of(f"{shop.base}/shoes")
    with psycopg.connect(db.url, autocommit=True) as listener:
        listener.execute("LISTEN solemate_run_finished")
        done = run(db, open_settings, spec)
        shop.put("/shoes", "<title>Just a moment...</title>")
        with pytest.raises(Blocked):
            run(db, open_settings, spec)
        heard = [int(n.payload) for n in listener.notifies(timeout=5, stop_after=2)]
    ended = rows(db, "SELECT id, state FROM etl_run ORDER BY id")
    assert heard == [run_id for run_id, _ in ended]
    assert ended == [(done.run_id, "done"), (done.run_id + 1, "failed")]


def listed(*numbers: int) -> str:
    """A page of a Shopify shop's product list."""
    goods = [
        {"id": n, "title": f"Shoe {n}", "handle": f"s{n}",
         "variants": [{"id": n, "price": "10.00", "available": True}]} for n in numbers
    ]  # fmt: skip
    return json.dumps({"products": goods})


LIST = "/products.json?limit=250&page="


def test_a_truncated_page_of_a_list_is_not_its_end(
    db: Database, open_settings: Settings, site: Site
) -> None:
    spec = spec_of(site.base, "shopify", currency="SEK")
    site.put(LIST + "1", listed(*range(20)))
    site.put(LIST + "2", listed(*range(20, 26)))
    site.put(LIST + "3", listed())
    assert run(db, open_settings, spec).complete
    site.put(LIST + "2", listed(*range(20, 26))[:-40])
    report = run(db, open_settings, spec)
    assert not report.complete
    assert [f.item for f in report.faults] == [f"{site.base}{LIST}2"]
    assert stock(db) == {"in_stock": 26}
    site.put(LIST + "2", "gone", 404)
    assert run(db, open_settings, spec).complete
    assert stock(db) == {"in_stock": 20, "out_of_stock": 6}


def test_a_list_that_never_ends(db: Database, open_settings: Settings, site: Site) -> None:
    """The first page again, whatever is asked; and truly more pages than are read."""
    for number in range(1, 9):
        site.put(LIST + str(number), listed(*range(20)))
    spec = spec_of(site.base, "shopify", currency="SEK", max_listing_pages=4)
    report = run(db, open_settings, spec)
    assert (report.complete, report.counts.offers_new) == (True, 20)
    assert site.count(LIST + "3") == 0
    for number in range(1, 9):
        site.put(LIST + str(number), listed(*range(number * 20, number * 20 + 20)))
    report = run(db, open_settings, spec)
    assert not report.complete
    assert stock(db)["in_stock"] == 100, "nothing is gone: the end was not seen"


def test_trying_a_shop_stores_nothing(db: Database, open_settings: Settings, shop: Site) -> None:
    spec = spec_of(f"{shop.base}/shoes", politeness={"delay_s": 0})
    results = dict(try_shop(open_settings, spec, 3))
    assert [len(offers) for offers in results.values() if isinstance(offers, list)] == [1, 1, 1]
    assert rows(db, "SELECT count(*) FROM offer") == [(0,)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"adapter": "fax"}, "unknown adapter"),
        ({"start_urls": []}, "start_urls is missing"),
        ({"start_urls": ["/shoes"]}, "web addresses"),
        ({"currency": "dollars"}, "ISO 4217"),
        ({"colour": "red"}, "unknown setting 'colour'"),
        ({"product_pattern": "("}, "no regular expression"),
        ({"politeness": {"delay_s": "soon"}}, "soon"),
    ],
)
def test_a_shops_file_is_checked(change: dict[str, Any], words: str) -> None:
    good = {"name": "X", "adapter": "schema_org", "start_urls": ["https://x.example/"]}
    with pytest.raises(BadInput, match=words):
        shop_from("x", {**good, **change})


def test_a_shops_file_by_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "Mine"\nadapter = "shopify"\nstart_urls = ["https://m.example/"]\n[politeness]\ndelay_s = 2\n'
    )
    assert load_shop(str(file)).delay_s == 2.0
    with pytest.raises(BadInput, match="there is no shop"):
        load_shop("never-heard-of-it")
