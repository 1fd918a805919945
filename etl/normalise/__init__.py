"""Words of shops to the catalogue's own: brands, models, genders, colours, style codes, sizes."""

from etl.normalise.models import model, without_model
from etl.normalise.sizing import converted, same_size
from etl.normalise.words import BRANDS, brand, colours, gender, style_code

__all__ = [
    "BRANDS",
    "brand",
    "colours",
    "converted",
    "gender",
    "model",
    "same_size",
    "style_code",
    "without_model",
]
