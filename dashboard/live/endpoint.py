"""The WebSocket at /live: sends a browser its news, listens to which vehicles it watches."""

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from dashboard.live import messages
from dashboard.live.cards import card
from dashboard.live.hub import Hub, Subscriber
from puente.clock import Clock

PATH = "/live"

MAX_MESSAGE = 4_096
MAX_WATCHED = 8


class Request(msgspec.Struct):
    """What a browser may ask: cards of these subjects, now and every second from now on."""

    watch: list[str]


def attach(server: FastAPI, hub: Hub, clock: Clock) -> None:
    """Serve the live channel."""

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        subscriber = Subscriber(asyncio.get_running_loop())
        watched: list[str] = []
        hub.subscribe(subscriber)
        listening = asyncio.create_task(_listen(socket, subscriber, watched))
        try:
            await socket.send_text(messages.hello())
            await _tell(socket, hub, clock, subscriber, watched, listening)
        except (WebSocketDisconnect, RuntimeError):
            # The browser went away, between or in the middle of two messages.
            pass
        finally:
            hub.unsubscribe(subscriber)
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    server.add_api_websocket_route(PATH, live)


async def _tell(
    socket: WebSocket,
    hub: Hub,
    clock: Clock,
    subscriber: Subscriber,
    watched: Sequence[str],
    listening: "asyncio.Task[None]",
) -> None:
    while not listening.done():
        await subscriber.news.wait()
        subscriber.news.clear()
        for message in hub.news(subscriber.seen):
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_text(message)
        for subject in tuple(watched):
            row = hub.row(subject)
            if row is not None:
                shipment = hub.plan.shipments.get(subject)
                said = messages.encode(card(row, shipment, clock.now()))
                await socket.send_text(said.decode())


async def _listen(socket: WebSocket, subscriber: Subscriber, watched: list[str]) -> None:
    """Follow what the browser watches until it leaves or says something we do not understand."""
    try:
        while True:
            text = await socket.receive_text()
            if len(text) > MAX_MESSAGE:
                break
            request = msgspec.json.decode(text, type=Request)
            watched[:] = request.watch[:MAX_WATCHED]
            subscriber.news.set()
    except (WebSocketDisconnect, msgspec.DecodeError, RuntimeError, KeyError):
        pass
    finally:
        subscriber.news.set()
