"""Contrastive loss over two parts and their sum."""

from __future__ import annotations

import torch
from torch import Tensor, nn

IGNORE = -1e4


class Contrast(nn.Module):
    """InfoNCE (van den Oord et al. 2018, arXiv 1807.03748), each part with its own temperature.

    Negatives are both views of all other products of the batch, as in SimCLR (arXiv 2002.05709). A
    pair of different products counts as a negative unless the teachers see nearly the same clean
    picture: the same shoe stands in several sources under different ids.
    """

    def __init__(self, twin: float) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.log(torch.tensor([14.0, 10.0, 10.0])))
        self.twin = twin

    def forward(
        self,
        first: tuple[Tensor, Tensor],
        second: tuple[Tensor, Tensor],
        weights: Tensor,
        products: Tensor,
        teachers: tuple[Tensor, Tensor],
    ) -> Tensor:
        """Losses (3,): both parts together, shape alone, colour alone.

        ``first`` and ``second``: (shape (n, a), colour (n, b)) of the two views;
        ``teachers``: clean features (n, t) of the pictures behind them, unit length.
        """
        scales = self.scales.exp().clamp(max=50.0)
        ids = torch.cat([products, products])
        own = torch.arange(len(products))
        losses = []
        for anchor, other, clean, behind in (
            (first, second, teachers[0], teachers[1]),
            (second, first, teachers[1], teachers[0]),
        ):
            shape = anchor[0] @ torch.cat([other[0], anchor[0]]).T
            colour = anchor[1] @ torch.cat([other[1], anchor[1]]).T
            both = weights[0] * shape + weights[1] * colour
            twins = clean @ torch.cat([behind, clean]).T > self.twin
            skip = (products[:, None] == ids[None]) | twins
            skip[own, own] = False
            losses.append(
                torch.stack(
                    [
                        nn.functional.cross_entropy((part * scale).masked_fill(skip, IGNORE), own)
                        for part, scale in zip((both, shape, colour), scales, strict=True)
                    ]
                )
            )
        return (losses[0] + losses[1]) / 2
