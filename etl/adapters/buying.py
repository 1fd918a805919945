"""Whether a page offers its product for sale: an add-to-basket button that can be pressed."""

from __future__ import annotations

import re
from typing import Any

from etl.adapters.page import Page, is_aside, marks
from etl.text import clean

_ADD = re.compile(
    r"\b(?:add|put) (?:it )?(?:to|in|into) (?:my |your |the )?"
    r"(?:shopping )?(?:cart|bag|basket|trolley)\b|"
    r"\b(?:buy|order|purchase)(?: it)? now\b|^(?:buy|order|purchase)$|"
    r"\bin den (?:warenkorb|einkaufswagen|korb)\b|\bjetzt (?:kaufen|bestellen)\b|"
    r"\bajouter (?:au|à mon|dans (?:mon|le)) panier\b|^acheter(?: maintenant)?$|"
    r"\b(?:añadir|agregar) (?:al?|a la) (?:carrito|carro|cesta|bolsa)\b|"
    r"^comprar(?: ahora| agora)?$|"
    r"\baggiungi al (?:carrello|tuo carrello)\b|^acquista(?: ora)?$|"
    r"\b(?:in|aan) (?:mijn |de )?winkel(?:wagen|mand|tas)(?:je)?\b|\bnu (?:kopen|bestellen)\b|"
    r"\b(?:sepete|sepetime) ekle\b|\bsatın al\b|\badicionar ao carrinho\b|"
    r"(?:добавить )?в корзину\b|^купить(?: сейчас| в 1 клик)?$|"
    r"\b(?:do|v) koš[ií]ka?\b|^(?:kúpiť|koupit)$|\bdo koszyka\b|\bkosárba\b|\blisa (?:ost|korvi)|"
    r"\b(?:ielikt|pievienot) groz|\badaug[aă] [iî]n co[sș]|\bv košarico\b|\bu košaricu\b|"
    r"\blägg i (?:varu)?(?:korg|kundvagn)|\blegg i handle|\b(?:læg|tilføj) (?:i|til) kurv|"
    r"\blisää ostoskoriin|加入購物車|放入購物車|立即購買|カートに(?:入れる|追加)|장바구니",
    re.IGNORECASE,
)
_ADD_MARK = re.compile(
    r"\badd[-_]?to[-_]?(?:cart|bag|basket|trolley)\b|\badd2cart\b|\baddtocart\b|\badd-product\b",
    re.IGNORECASE,
)
_DEAD = re.compile(
    r"\b(?:is-)?disabled\b|sold-?out|out-?of-?stock|unavailable|notify|\bhidden\b|\bhide\b|d-none",
    re.IGNORECASE,
)
_NOT_ADDING = re.compile(
    r"wish|favou?rit|merk(?:zettel|liste)|warranty|garant|notify|sample|gift|guide|store",
    re.IGNORECASE,
)


def can_be_bought(page: Page) -> bool:
    """Whether a button of the page's own product puts it into the basket."""
    return any(_adds(e) for e in page.root.iter("button", "input", "a"))


def _adds(element: Any) -> bool:
    if element.tag == "input" and (element.get("type") or "").lower() not in ("submit", "button"):
        return False
    own = marks(element)
    if (
        element.get("disabled") is not None
        or element.get("aria-disabled") == "true"
        or _DEAD.search(own)
        or _hidden(element)
    ):
        return False
    texts = [clean("".join(element.itertext()))] if element.tag != "input" else []
    texts.extend(clean(element.get(name)) for name in ("value", "title", "aria-label"))
    said = [t for t in texts if t and len(t) <= 80]
    if any(_NOT_ADDING.search(t) for t in said):
        return False
    named = any(_ADD.search(t) for t in said) or bool(_ADD_MARK.search(own) and element.tag != "a")
    return (named or bool(_ADD_MARK.search(own) and said)) and not is_aside(element)


def _hidden(element: Any) -> bool:
    node = element
    for _ in range(5):
        if node is None:
            return False
        style = (node.get("style") or "").replace(" ", "")
        if "display:none" in style or node.get("hidden") is not None:
            return True
        node = node.getparent()
    return False
