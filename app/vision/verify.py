"""Do two pictures show the same product in the same colourway? A probability from their vectors."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.errors import EncoderError
from app.settings import Settings
from app.vision.companion import companion

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Facts:
    """pair.json: vectors' length, Platt's line (probability = sigmoid(slope * logit + offset)) and
    the probability from which a pair is called the same."""

    schema: Literal[1]
    dim: Annotated[int, Field(ge=2)]
    slope: Annotated[float, Field(gt=0)]
    offset: float
    same: Annotated[float, Field(ge=0, le=1)]


_FACTS: Final = TypeAdapter(Facts)


class Verifier:
    """Compares a query's vector with catalogue vectors. Thread-safe."""

    def __init__(self, facts: Facts, session: ort.InferenceSession) -> None:
        """Use :func:`open_verifier`.

        Raises:
            EncoderError: the graph does not take ``query`` and ``other``.
        """
        if {node.name for node in session.get_inputs()} != {"query", "other"}:
            raise EncoderError("a pair verifier takes the inputs query and other")
        self.facts = facts
        self._session = session

    @property
    def same(self) -> float:
        """Probability from which a pair is called the same."""
        return self.facts.same

    def probability(self, query: F32, others: F32) -> F32:
        """Probability (n,) that ``query`` (dim,) and each of ``others`` (n, dim) are one product.

        Raises:
            EncoderError: vectors of another length.
        """
        dim = self.facts.dim
        if query.shape != (dim,) or others.ndim != 2 or others.shape[1] != dim:
            raise EncoderError(
                f"the verifier compares vectors of {dim}, given {query.shape} and {others.shape}"
            )
        if not len(others):
            return np.empty(0, np.float32)
        repeated = np.ascontiguousarray(np.broadcast_to(query, others.shape), np.float32)
        (logits,) = self._session.run(
            ["logit"], {"query": repeated, "other": np.ascontiguousarray(others, np.float32)}
        )
        line = np.clip(self.facts.slope * logits.reshape(-1) + self.facts.offset, -60, 60)
        return np.asarray(1 / (1 + np.exp(-line)), np.float32)


def open_verifier(encoder_name: str, settings: Settings) -> Verifier | None:
    """The verifier in an encoder's folder; None where it has none.

    Raises:
        EncoderError: the files cannot be used, or belong to another model.
    """
    found = companion("pair", encoder_name, settings)
    if found is None:
        return None
    described, session = found
    try:
        facts = _FACTS.validate_python(described)
    except ValidationError as error:
        raise EncoderError(f"pair.json of {encoder_name}: {error}") from error
    return Verifier(facts, session)
