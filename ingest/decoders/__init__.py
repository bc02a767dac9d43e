"""Device dialects: one file each, listed in `DECODERS` in the order in which topics are tried.

A decoder is pure. It returns a `Decoded` or raises `DecodeError`; there is no third outcome.
To add one: write the file, add it here, put real payloads into `tests/corpus/<name>/`.
"""

from typing import Protocol

from ingest.decoders import native, owntracks
from ingest.decoders.payload import Decoded


class Decoder(Protocol):
    """What a dialect's module offers."""

    NAME: str
    """The dialect, as in `tests/corpus/<name>/`."""

    SUBSCRIPTIONS: tuple[str, ...]
    """MQTT topic filters that bring this dialect's messages."""

    def claims(self, topic: str) -> bool:
        """Tell whether a topic is this dialect's, whatever the payload is."""
        ...

    def decode(self, topic: str, payload: bytes) -> Decoded:
        """Read one payload; raises `DecodeError`."""
        ...


DECODERS: tuple[Decoder, ...] = (native, owntracks)

SUBSCRIPTIONS: tuple[str, ...] = tuple(t for decoder in DECODERS for t in decoder.SUBSCRIPTIONS)


def decoder_of(topic: str) -> Decoder | None:
    """Find the dialect of a topic."""
    return next((decoder for decoder in DECODERS if decoder.claims(topic)), None)
