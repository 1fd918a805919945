"""The sample shops, asked over real HTTP as a scraper would ask them."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import extruct
import httpx
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from app.commands.demo import open_shops
from app.demo import harbour
from app.demo.folder import COLUMNS
from app.demo.goods import FOLDER, Listing, listings, sold_by
from app.demo.shops import RunningShops, SampleShops, query_pictures, write_folder
from app.errors import SolemateError
from app.sketch.catalogue import catalogue

GOODS = catalogue(5, 110)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleShops]:
    with SampleShops(GOODS, tmp_path_factory.mktemp("pictures")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as opened:
        yield opened


def json_ld(html: str) -> list[dict[str, Any]]:
    soup = BeautifulSoup(html, "lxml")
    found = [json.loads(tag.string or "") for tag in soup.select("[type='application/ld+json']")]
    return [one for block in found for one in block.get("@graph", [block])]


def of_style(shops: SampleShops, style: str, **facts: bool) -> Listing:
    for one in shops.harbour:
        if harbour.style_of(one) == style and all(
            bool(getattr(one, name)) == wanted for name, wanted in facts.items()
        ):
            return one
    raise LookupError(style)


def page_of(shops: SampleShops, client: httpx.Client, one: Listing) -> str:
    answer = client.get(harbour.product_url(shops.schema_org_url, one))
    assert answer.status_code == 200
    return answer.text


def test_following_next_meets_every_product_once(shops: SampleShops, client: httpx.Client) -> None:
    url: str | None = urljoin(shops.schema_org_url, "/sneakers/")
    met: list[str] = []
    pages = 0
    while url:
        soup = BeautifulSoup(client.get(url).text, "lxml")
        met += [str(tag["href"]) for tag in soup.select(".card a")]
        follow = soup.select_one("link[rel=next]")
        url = urljoin(url, str(follow["href"])) if follow else None
        pages += 1
    assert met == [f"/product/{one.item.handle}" for one in shops.harbour]
    assert pages == -(-len(shops.harbour) // harbour.PER_PAGE) > 1


def test_page_links_meet_every_product_too(shops: SampleShops, client: httpx.Client) -> None:
    first = client.get(urljoin(shops.schema_org_url, "/sneakers/"))
    soup = BeautifulSoup(first.text, "lxml")
    links = [str(tag["href"]) for tag in soup.select(".pagination a")]
    texts = [first.text] + [client.get(urljoin(shops.schema_org_url, x)).text for x in links]
    met = set(re.findall(r'href="/product/([^"]+)"', "".join(texts)))
    assert met == {one.item.handle for one in shops.harbour}


def test_sitemaps_and_robots(shops: SampleShops, client: httpx.Client) -> None:
    base = shops.schema_org_url
    robots = client.get(base + "robots.txt").text
    assert f"Sitemap: {base}sitemap.xml" in robots
    parts = re.findall(r"<loc>([^<]+)</loc>", client.get(base + "sitemap.xml").text)
    urls = [u for part in parts for u in re.findall(r"<loc>([^<]+)</loc>", client.get(part).text)]
    assert urls == [harbour.product_url(base, one) for one in shops.harbour]


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "product/none",
        "sneakers/?page=0",
        "sneakers/?page=999",
        "sneakers/?page=x",
        "sitemap-9.xml",
        "img/none-0.jpg",
        "cart",
        "../etc/passwd",
    ],
)
def test_what_is_not_there_is_404(shops: SampleShops, client: httpx.Client, path: str) -> None:
    answer = client.get(shops.schema_org_url + path)
    assert answer.status_code == 404
    assert "ETag" not in answer.headers


def test_an_offer_per_size_says_which_are_left(shops: SampleShops, client: httpx.Client) -> None:
    one = of_style(shops, "offer_per_size", available=True)
    product = next(x for x in json_ld(page_of(shops, client, one)) if x["@type"] == "Product")
    assert product["sku"] == one.item.style_code
    assert product["brand"]["name"] == one.item.brand
    left = {offer["size"]: offer["availability"].endswith("InStock") for offer in product["offers"]}
    assert left == {f"EU {size.eu}": size.stock > 0 for size in one.sizes}
    assert {offer["price"] for offer in product["offers"]} == {f"{one.price:.2f}"}
    assert {offer["priceCurrency"] for offer in product["offers"]} == {"EUR"}


def test_a_graph_holds_the_product_and_others_like_it(
    shops: SampleShops, client: httpx.Client
) -> None:
    one = of_style(shops, "graph")
    graph = json_ld(page_of(shops, client, one))
    assert [x["@type"] for x in graph] == ["WebPage", "BreadcrumbList", "Product"]
    assert graph[2]["offers"][0]["price"] == f"{one.price:.2f}"
    assert len(graph[2]["isSimilarTo"]) >= 3
    assert len(graph[2]["image"]) == len(one.shots)


def test_a_list_price_is_stated_and_struck_through(
    shops: SampleShops, client: httpx.Client
) -> None:
    one = of_style(shops, "strikethrough", list_price=True)
    html = page_of(shops, client, one)
    offer = json_ld(html)[0]["offers"]
    assert offer["price"] == f"{one.price:.2f}"
    assert offer["priceSpecification"]["price"] == f"{one.list_price:.2f}"
    struck = BeautifulSoup(html, "lxml").select_one("main s")
    assert struck is not None
    assert f"{one.list_price:.2f}" in struck.text.replace(",", ".")


@pytest.mark.parametrize("style", ["microdata", "microdata_and_site"])
def test_microdata_pages_state_their_product_in_microdata_alone(
    shops: SampleShops, client: httpx.Client, style: str
) -> None:
    one = of_style(shops, style)
    html = page_of(shops, client, one)
    assert all(x["@type"] != "Product" for x in json_ld(html))
    main, *others = extruct.extract(html, syntaxes=["microdata"])["microdata"]
    facts = main["properties"]
    assert facts["name"] == one.item.title
    assert facts["sku"] == one.item.style_code
    assert facts["offers"]["properties"]["price"] == f"{one.price:.2f}"
    assert facts["offers"]["properties"]["priceCurrency"] == "EUR"
    assert len(others) >= 3
    assert any(x["properties"]["offers"]["properties"]["price"] != f"{one.price:.2f}"
               for x in others)  # fmt: skip


def test_some_pages_are_russian(shops: SampleShops, client: httpx.Client) -> None:
    one = next(x for x in shops.harbour if harbour.is_russian(x))
    html = page_of(shops, client, one)
    assert '<html lang="ru">' in html
    assert "Артикул" in html
    assert f"{one.price:.2f} €".replace(".", ",") in html


def test_unchanged_pages_and_pictures_cost_a_304(tmp_path: Path, client: httpx.Client) -> None:
    with SampleShops(GOODS, tmp_path) as opened:
        one = opened.harbour[0]
        picture = harbour.image_url(opened.schema_org_url, one, 0)
        tag = client.head(picture).headers["ETag"]
        for file in tmp_path.iterdir():
            file.unlink()
        again = client.get(picture, headers={"If-None-Match": tag})
        assert again.status_code == 304
        assert again.content == b""
        assert not list(tmp_path.iterdir()), "a 304 needs no drawing"
        for url in (
            picture,
            opened.schema_org_url,
            opened.schema_org_url + "sneakers/",
            harbour.product_url(opened.schema_org_url, one),
            opened.shopify_url + "products.json?limit=5&page=2",
        ):
            first = client.get(url)
            assert first.status_code == 200
            stamp, tag = first.headers["Last-Modified"], first.headers["ETag"]
            for headers in (
                {"If-None-Match": tag},
                {"If-None-Match": f'"other", W/{tag}'},
                {"If-Modified-Since": stamp},
            ):
                assert client.get(url, headers=headers).status_code == 304
            for headers in (
                {"If-None-Match": '"other"'},
                {"If-None-Match": '"other"', "If-Modified-Since": stamp},
                {"If-Modified-Since": "Mon, 05 Jan 2004 00:00:00 GMT"},
                {"If-Modified-Since": "yesterday"},
            ):
                assert client.get(url, headers=headers).status_code == 200


def test_pictures_are_drawn_once_and_kept(shops: SampleShops, client: httpx.Client) -> None:
    one = shops.harbour[1]
    url = harbour.image_url(shops.schema_org_url, one, 1)
    first, second = client.get(url), client.get(url)
    assert first.content == second.content
    assert first.headers["Content-Type"] == "image/jpeg"
    picture = Image.open(io.BytesIO(first.content))
    assert picture.size == one.shots[1].size
    past = harbour.image_url(shops.schema_org_url, one, len(one.shots))
    assert client.get(past).status_code == 404


def test_head_has_the_length_and_no_body(shops: SampleShops, client: httpx.Client) -> None:
    url = shops.schema_org_url + "sneakers/"
    head, get = client.head(url), client.get(url)
    assert head.content == b""
    assert int(head.headers["Content-Length"]) == len(get.content)


def shopify_products(
    client: httpx.Client, url: str, limit: int
) -> list[dict[str, Any]]:  # fmt: skip
    found: list[dict[str, Any]] = []
    for page in range(1, 100):
        answer = client.get(url, params={"limit": limit, "page": page})
        batch = answer.json()["products"]
        if not batch:
            return found
        assert len(batch) <= limit
        found += batch
    raise AssertionError("pages without end")


def test_products_json_pages_through_every_product(
    shops: SampleShops, client: httpx.Client
) -> None:
    found = shopify_products(client, shops.shopify_url + "products.json", 7)
    assert [x["handle"] for x in found] == [one.item.handle for one in shops.boxfresh]
    for shown, one in zip(found, shops.boxfresh, strict=True):
        assert shown["vendor"] == one.item.brand
        assert [v["sku"] for v in shown["variants"]] == [
            f"{one.item.style_code}-{size.eu}" for size in one.sizes
        ]
        assert [v["available"] for v in shown["variants"]] == [s.stock > 0 for s in one.sizes]
        assert {v["price"] for v in shown["variants"]} == {f"{one.price:.2f}"}
        full = f"{one.list_price:.2f}" if one.list_price else None
        assert {v["compare_at_price"] for v in shown["variants"]} == {full}
    ids = [x["id"] for x in found] + [v["id"] for x in found for v in x["variants"]]
    assert len(set(ids)) == len(ids)


def test_collections_cover_the_shop(shops: SampleShops, client: httpx.Client) -> None:
    base = shops.shopify_url
    counts = {
        x["handle"]: x["products_count"]
        for x in client.get(base + "collections.json").json()["collections"]
    }
    met: set[str] = set()
    for handle, count in counts.items():
        rows = shopify_products(client, f"{base}collections/{handle}/products.json", 50)
        assert len(rows) == count
        met |= {x["handle"] for x in rows} if handle != "all" else set()
    assert met == {one.item.handle for one in shops.boxfresh}
    assert counts["all"] == len(shops.boxfresh)


def test_shopify_pages_and_facts(shops: SampleShops, client: httpx.Client) -> None:
    base, one = shops.shopify_url, shops.boxfresh[0]
    meta = client.get(base + "meta.json").json()
    assert meta["currency"] == "USD"
    assert meta["published_products_count"] == len(shops.boxfresh)
    single = client.get(f"{base}products/{one.item.handle}.json").json()["product"]
    page = client.get(f"{base}products/{one.item.handle}")
    assert json_ld(page.text)[0]["offers"][0]["price"] == f"{one.price:.2f}"
    answer = client.get(single["images"][0]["src"])
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert f"/products/{one.item.handle}" in client.get(base + "sitemap.xml").text
    assert client.get(base + "collections/all").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("products.json?page=0", 400),
        ("products.json?page=-1", 400),
        ("products.json?limit=x", 400),
        ("products/none.json", 404),
        ("products/none", 404),
        ("collections/none/products.json", 404),
        ("cdn/shop/files/none_0.jpg", 404),
    ],
)
def test_shopify_errors(shops: SampleShops, client: httpx.Client, path: str, status: int) -> None:
    assert client.get(shops.shopify_url + path).status_code == status


def test_some_shoes_are_in_both_shops_photographed_differently(
    shops: SampleShops, client: httpx.Client
) -> None:
    here = {one.item.style_code: one for one in shops.harbour}
    both = [(here[b.item.style_code], b) for b in shops.boxfresh if b.item.style_code in here]
    assert len(both) >= 5
    for a, b in both:
        assert a.item == b.item
        assert a.currency != b.currency
        assert set(a.shots).isdisjoint(b.shots)
    assert all(sold_by(item) for item in GOODS)


def test_a_folder_of_photographs(tmp_path: Path) -> None:
    goods = [item for item in GOODS if FOLDER in sold_by(item)][:4]
    assert write_folder(goods, tmp_path) == 8
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {row["product_id"] for row in rows} == {item.style_code for item in goods}
    for row in rows:
        picture = Image.open(tmp_path / row["file"])
        assert f"{picture.width}x{picture.height}" == row["orig_size"]
        assert float(row["price"]) > 10
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "images").iterdir()}
    assert write_folder(goods, tmp_path) == 8
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "images").iterdir()}


def test_query_pictures_are_new_pictures_of_known_products() -> None:
    some = query_pictures(GOODS, 3)
    assert len({one.item.style_code for one in some}) == 3
    again = query_pictures(GOODS, 3)
    assert [one.image.tobytes() for one in some] == [one.image.tobytes() for one in again]
    assert all(one.image.mode == "RGB" for one in some)
    with pytest.raises(ValueError, match=r"outside 0\.\.110"):
        query_pictures(GOODS, 111)


def test_shops_close_and_open_again(tmp_path: Path, client: httpx.Client) -> None:
    closed = SampleShops(GOODS[:3], tmp_path)
    with pytest.raises(RuntimeError, match="closed"):
        _ = closed.schema_org_url
    for _ in range(2):
        with closed as opened:
            url = opened.shopify_url
            assert client.get(url).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(OSError), SampleShops(GOODS[:3], tmp_path, busy.getsockname()[1]):
            pass


def test_an_unknown_shop() -> None:
    with pytest.raises(ValueError, match="unknown shop 'mall'"):
        listings(GOODS, "mall")


def test_only_the_shops_themselves_are_taken_for_running(tmp_path: Path) -> None:
    with SampleShops(GOODS, tmp_path) as served:
        second = urlsplit(served.shopify_url).port
        assert second is not None
        # The first port asked is the other shop's.
        with pytest.raises(OSError), RunningShops(GOODS, tmp_path, second):
            pass


def test_a_catalogue_keeps_the_addresses_of_its_shops(tmp_path: Path) -> None:
    with open_shops(list(GOODS), tmp_path / "one") as one:
        home = one.schema_org_url
        with open_shops(list(GOODS), tmp_path / "other") as other:
            elsewhere = other.schema_org_url
        assert elsewhere != home
        with open_shops(list(GOODS), tmp_path / "one") as again:
            assert isinstance(again, RunningShops)
            assert again.schema_org_url == home
            assert again.shopify_url == one.shopify_url
    with open_shops(list(GOODS), tmp_path / "other") as later:
        assert not isinstance(later, RunningShops)
        assert later.schema_org_url == elsewhere


def test_a_port_that_another_program_has_is_said(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        (tmp_path / "port").write_text(str(busy.getsockname()[1]))
        with (
            pytest.raises(SolemateError, match="another program"),
            open_shops(list(GOODS), tmp_path),
        ):
            pass
