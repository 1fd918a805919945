"""Twelve basic colours (the eleven of Berlin and Kay 1969, and beige), their words in shop texts,
and their Russian and English adjectives. Standard library only."""

from __future__ import annotations

import re
from typing import Final

COLOURS: Final = (
    "black", "white", "grey", "red", "orange", "yellow",
    "green", "blue", "purple", "pink", "brown", "beige",
)  # fmt: skip

_WORDS: Final = {
    "black": """black blk blck noir onyx anthracite anthrct negro negra negras negros obsidian ebony
        чёрный черный чёрные черные чёрная черная чёрное черное""",
    "white": """white wht blanco blanca blancas blancos ivory sail chalk platinum
        белый белые белая белое""",
    "grey": """grey gray gry gris grises silver slvr charcoal graphite slate smoke gunmetal stealth
        серый серые серая серое серебристый серебристые графитовый""",
    "red": """red rojo roja rojas crimson scarlet maroon burgundy infrared infrrd varsityred
        bordeaux cherry wine rust brick красный красные красная бордовый бордовые""",
    "orange": """orange naranja coral peach mango tangerine starfish оранжевый оранжевые
        коралловый персиковый""",
    "yellow": """yellow amarillo amarilla gold gld golden volt maize mustard lemon taxi
        goldenrod жёлтый желтый жёлтые желтые золотой золотые золотистый горчичный лимонный""",
    "green": """green grn verde olive khaki lime mint emerald pine teal jade moss
        зелёный зеленый зелёные зеленые оливковый салатовый мятный хаки изумрудный""",
    "blue": """blue bl azul azules navy nvy royal indigo turquoise aqua cyan cobalt sapphire azure
        denim unc синий синие синяя голубой голубые голубая бирюзовый""",
    "purple": """purple violet lavender lilac plum grape concord mauve фиолетовый фиолетовые
        сиреневый лиловый лавандовый""",
    "pink": """pink rose rosa fuchsia magenta розовый розовые розовая фуксия""",
    "brown": """brown brn marron marrón chocolate mocha coffee cognac bronze copper wheat bison
        chestnut cinnamon коричневый коричневые коричневая шоколадный бронзовый""",
    "beige": """beige sand cream tan stone oatmeal bone camel nude taupe mushroom bisque linen
        бежевый бежевые бежевая песочный кремовый телесный""",
}
# Russian: stems with hard endings, and the one soft adjective among them.
_RU: Final = {
    "black": "чёрн", "white": "бел", "grey": "сер", "red": "красн", "orange": "оранжев",
    "yellow": "жёлт", "green": "зелён", "purple": "фиолетов", "pink": "розов",
    "brown": "коричнев", "beige": "бежев",
}  # fmt: skip
_COLOUR_OF: Final = {
    **{word: colour for colour, text in _WORDS.items() for word in text.split()},
    # "чёрно-белый": the first halves of compounds.
    **{stem.replace("ё", e) + "о": colour for colour, stem in _RU.items() for e in "ёе"},
    "сине": "blue",
}


def parse_colours(text: str) -> tuple[str, ...]:
    """Basic colours named in a text, in order, each once; empty when none is."""
    found = (_COLOUR_OF.get(word) for word in re.findall(r"[^\W\d_]+", text.casefold()))
    return tuple(dict.fromkeys(colour for colour in found if colour))


def colour_name(colour: str, language: str, *, plural: bool = False) -> str:
    """The adjective: ``white``; Russian agrees in number: ``белый``, ``plural`` ``белые``."""
    if language == "en":
        return colour
    if colour == "blue":
        return "синие" if plural else "синий"
    return _RU[colour] + ("ые" if plural else "ый")


def colour_names(colours: tuple[str, ...], language: str, *, plural: bool = False) -> str:
    """Colours as a label lists them: ``white/grey``, ``белый/серый``, plural ``бело-серые``.

    Beside a plural noun Russian joins adjectives by a hyphen, and only the last one declines.
    """
    if language == "ru" and plural and len(colours) > 1:
        stems = ["сине" if c == "blue" else _RU[c] + "о" for c in colours[:-1]]
        return "-".join([*stems, colour_name(colours[-1], language, plural=True)])
    return "/".join(colour_name(colour, language, plural=plural) for colour in colours)
