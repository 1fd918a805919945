"""Brands, genders, colours and style codes of shops in the catalogue's words.

What is not recognised stays as it is (brands) or None (the rest): nothing is guessed, and the
offer's own text is kept beside.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast

from app.domain import Gender
from etl.text import clean

BRANDS: dict[str, tuple[str, ...]] = {
    "Nike": ("nike sportswear", "nike sb", "найк", "найки", "nike inc", "nike inc."),
    "Jordan": ("air jordan", "jordan brand", "nike jordan", "джордан", "эйр джордан"),
    "adidas": (
        "adidas originals",
        "adidas performance",
        "adidas sportswear",
        "adidas terrex",
        "адидас",
        "adidas neo",
        "адидас ориджиналс",
    ),
    "Converse": ("converse all star", "конверс", "конверсы"),
    "New Balance": ("nb", "new-balance", "newbalance", "нью баланс", "нью-баланс", "ньюбаланс"),
    "Puma": ("пума",),
    "Reebok": ("рибок", "reebok classic", "reebok classics"),
    "Vans": ("ванс", "вэнс", "вансы"),
    "ASICS": ("asics sportstyle", "asics tiger", "асикс", "азикс"),
    "Onitsuka Tiger": ("онитсука тайгер", "оницука тайгер"),
    "Saucony": ("саукони", "сокони"),
    "Fila": ("фила",),
    "Skechers": ("скечерс",),
    "Salomon": ("саломон",),
    "Hoka": ("hoka one one", "хока"),
    "On": ("on running", "on-running"),
    "Under Armour": ("андер армор", "under armor", "underarmour"),
    "Mizuno": ("мизуно",),
    "Diadora": ("диадора",),
    "Timberland": ("тимберленд",),
    "Dr. Martens": ("dr martens", "dr.martens", "доктор мартинс", "др мартенс"),
    "Lacoste": ("лакост",),
    "Tommy Hilfiger": ("томми хилфигер",),
    "Calvin Klein": ("calvin klein jeans", "кельвин кляйн"),
    "Karhu": ("карху",),
    "Le Coq Sportif": ("лекок спортив",),
    "Merrell": ("меррелл",),
    "Columbia": ("коламбия",),
    "The North Face": ("north face", "норт фейс"),
    "Crocs": ("крокс",),
    "Birkenstock": ("биркеншток",),
    "Clarks": ("clarks originals", "кларкс"),
    "Kappa": ("каппа",),
    "Umbro": ("умбро",),
    "Lotto": ("лотто",),
    "Ecco": ("экко",),
    "Geox": ("геокс",),
    "Veja": ("вежа",),
    "Balenciaga": ("баленсиага",),
    "Gucci": ("гуччи",),
    "Yeezy": ("adidas yeezy", "изи"),
    "Li-Ning": ("li ning", "lining", "ли нинг"),
    "Anta": ("анта",),
    "DC Shoes": ("dc", "dc shoe"),
    "Etnies": ("этнис",),
    "K-Swiss": ("kswiss", "k swiss"),
    "Supra": ("супра",),
    "UGG": ("угги",),
    "Kalenji": (),
    "Decathlon": ("декатлон",),
}
"""Canonical names with other spellings; a sub-brand that names the same maker counts as it."""

_GENDERS: dict[Gender, str] = {
    "kids": """kid kids kid's kids' child children children's boy boys boy's boys' girl girls girl's
        girls' junior juniors youth toddler toddlers infant infants baby babies gs td ps niño niña
        niños niñas nino nina ninos ninas infantil enfant enfants kinder jungen mädchen bambino
        bambina bambini preschool детские детская детский детское дети подростковые мальчиков
        девочек мальчика девочки""",
    "women": """women woman women's womens woman's wmns ladies lady ladies' female mujer mujeres
        femme femmes damen donna donne dames dam feminino mulher женские женская женский женское
        женщин женщины жен""",
    "men": """men man men's mens man's male gents gentlemen hombre hombres homme hommes herren uomo
        uomini heren herr masculino homem мужские мужская мужской мужское мужчин мужчины муж""",
    "unisex": "unisex uni унисекс mixte adult adults",
}
_GENDER_WORDS = {kind: frozenset(text.split()) for kind, text in _GENDERS.items()}

_COLOURS = {
    "black": """black noir negro schwarz nero preto zwart черный чёрный черные чёрные черная чёрная
        onyx jet anthracite""",
    "white": """white blanc blanco weiß weiss bianco branco wit белый белые белая ivory chalk""",
    "grey": """grey gray gris grau grigio cinza серый серые серая silver серебристый graphite
        charcoal slate""",
    "red": """red rouge rojo rot rosso vermelho красный красные красная crimson scarlet maroon
        burgundy бордовый бордовые""",
    "blue": """blue bleu azul blau blu blauw синий синие синяя голубой голубые navy royal indigo
        teal turquoise""",
    "green": """green vert verde grün gruen groen зеленый зелёный зеленые зелёные olive khaki хаки
        mint lime""",
    "yellow": """yellow jaune amarillo gelb giallo желтый жёлтый желтые жёлтые volt
        mustard lemon""",
    "orange": "orange naranja arancione оранжевый оранжевые coral",
    "pink": "pink rose rosa розовый розовые fuchsia magenta",
    "purple": "purple violet morado lila viola фиолетовый фиолетовые lavender plum",
    "brown": """brown marron marrón braun marrone bruin коричневый коричневые chocolate mocha wheat
        cognac""",
    "beige": "beige бежевый бежевые sand cream tan stone oatmeal sail",
    "gold": "gold golden doré dorado золотой золотые золотистый bronze copper",
    "multicolour": """multi multicolor multicolour multicoloured multicolore разноцветный
        разноцветные мультиколор""",
}
_COLOUR_OF = {word: colour for colour, text in _COLOURS.items() for word in text.split()}

_STYLE_CODES = (
    re.compile(r"\b[A-Z]{2}\d{4}-\d{3}\b"),  # Nike, Jordan: CW2288-111
    re.compile(r"\b\d{6}-\d{3}\b"),  # Nike before 2018: 315122-111
    re.compile(r"\b(?:[A-Z]{2}\d{4}|[A-Z]\d{5})\b"),  # adidas: IB7746, B75806
    re.compile(r"\b\d{6}[_-]\d{2}\b"),  # Puma: 374915_01
    re.compile(r"\b\d{4}[A-Z]\d{3}[-.]\d{3}\b"),  # ASICS: 1201A019-108
    re.compile(
        r"\b(?:[MWU][LSRTXF]?|BB|C[MW]|[GP][CS])\d{3,4}[A-Z]{2,3}\d?\b"
    ),  # New Balance: M990GL6
    re.compile(r"\b[AM]?\d{6}C\b"),  # Converse: 162050C
    re.compile(r"\bVN[0-9A-Z]{7,12}\b"),  # Vans: VN000D3HY28
)


@lru_cache(maxsize=1)
def _brand_index() -> dict[str, str]:
    index = {_fold(name): name for name in BRANDS}
    for name, aliases in BRANDS.items():
        index.update({_fold(alias): name for alias in aliases})
    return index


def _fold(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text.strip().strip("®™").casefold())


def brand(name: str | None) -> str | None:
    """Canonical brand of a stated name; an unknown brand keeps its spelling, None stays None."""
    cleaned = clean(name)
    if cleaned is None:
        return None
    return _brand_index().get(_fold(cleaned), cleaned)


def gender(text: str | None) -> Gender | None:
    """men, women, unisex or kids from a word or phrase; None when none or several are meant.

    Kids win over the rest ("Boys' Grade School", "kids unisex"); men and women together are unisex.
    """
    if not text:
        return None
    letter = {"m": "men", "w": "women"}.get(text.strip().casefold())
    if letter:  # as a whole answer only: in a title these letters are sizes
        return cast("Gender", letter)
    found_words = {w.strip("-") for w in re.findall(r"[\w'’-]+", text.casefold().replace("’", "'"))}
    found = {kind for kind, known in _GENDER_WORDS.items() if not found_words.isdisjoint(known)}
    if "kids" in found:
        return "kids"
    if {"men", "women"} <= found or "unisex" in found:
        return "unisex"
    if "women" in found:
        return "women"
    return "men" if "men" in found else None


def colours(text: str | None) -> tuple[str, ...]:
    """Colour words of a text in order, each once, in a vocabulary of fourteen."""
    if not text:
        return ()
    found = (_COLOUR_OF.get(word) for word in re.findall(r"\w+", text.casefold()))
    return tuple(dict.fromkeys(colour for colour in found if colour))


def style_code(text: str | None) -> str | None:
    """A maker's style code in a text (``CW2288-111``, ``IB7746``); None with none or several."""
    if not text:
        return None
    upper = text.upper()
    for pattern in _STYLE_CODES:
        found = set(pattern.findall(upper))
        if found:
            return found.pop() if len(found) == 1 else None
    return None
