"""Which addresses a request may go to: public ones, and those that the operator names."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

IPAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]
"""Host and port to numeric addresses; raises ``OSError``."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the low 32 bits
_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, deprecated: likewise


def resolve(host: str, port: int) -> Sequence[str]:
    """The system's addresses of a host; raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(text: str) -> bool:
    """Whether a numeric address is one of the public internet, whatever it is wrapped in."""
    try:
        address: IPAddress = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    return all(
        a.is_global and not a.is_multicast and not a.is_reserved for a in _unwrapped(address)
    )


def _unwrapped(address: IPAddress) -> list[IPAddress]:
    """The address and any IPv4 address that it carries."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    found: list[IPAddress] = [address]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if address in _NAT64 or address in _COMPATIBLE:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return [inner]
    return found


def is_allowed(host: str, port: int, allowed: Sequence[str]) -> bool:
    """Whether the operator named this host, or this host and port."""
    names = {name.strip().lower() for name in allowed}
    bracketed = f"[{host}]" if ":" in host else host
    return not names.isdisjoint({host, bracketed, f"{bracketed}:{port}"})
