"""A cheap HTTP client that loads a server: prepared requests, raw sockets, one process."""

from __future__ import annotations

import random
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

TIMEOUT = 30.0
POOL = 64
"""Connections of an open loop. More requests than that at once wait, and their wait counts."""


@dataclass
class Sample:
    """What came of one run: a latency in seconds for every answered request."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    answered: int = 0
    """Answers that hold a reply to the borrower."""
    failed: int = 0
    """Answers of status 400 and above, and connections that broke."""
    cpu_seconds: float = 0.0
    """What the server's processes spent on a core meanwhile; filled in by who knows them."""

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, percent: float) -> float:
        """A latency in milliseconds that so many percent of the requests kept to."""
        ordered = sorted(self.latencies)
        index = min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))
        return ordered[index] * 1000 if ordered else float("nan")


class Connection:
    """One kept connection with at most one request on its way."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._port, self._selector = port, selector
        self._open()

    def _open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._got = b""

    def send(self, request: bytes, due: float) -> None:
        """Send a request whose time runs from ``due``."""
        self.due = due
        self._socket.sendall(request)

    def receive(self) -> bytes | None:
        """The answer, once it is complete; empty where the connection broke."""
        data = self._socket.recv(65536)
        self._got += data
        head, blank, body = self._got.partition(b"\r\n\r\n")
        if not data or (blank and len(body) >= _length(head)):
            answer = self._got if data else b""
            if not data or b"connection: close" in head.lower():
                self.close()
                self._open()
            self._got = b""
            return answer
        return None

    def close(self) -> None:
        """Hang up."""
        self._selector.unregister(self._socket)
        self._socket.close()


def _length(head: bytes) -> int:
    found = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return int(found or 0)


def await_reply(port: int, request: bytes, mark: bytes, within: float) -> None:
    """Ask until an answer holds a reply: a server may listen before it has its model."""
    deadline, answer = time.perf_counter() + within, b""
    while time.perf_counter() < deadline:
        with selectors.DefaultSelector() as selector:
            connection = Connection(port, selector)
            connection.send(request, 0.0)
            while (got := connection.receive()) is None:
                pass
            connection.close()
        answer = got
        if mark in answer:
            return
        time.sleep(0.1)
    raise TimeoutError(f"no reply within {within:.0f} s; the last answer was {answer[-300:]!r}")


def closed_loop(
    ports: Sequence[int], requests: Sequence[bytes], *, clients: int, seconds: float, mark: bytes
) -> Sample:
    """Clients that each send a request, wait for its answer, and send the next one.

    Args:
        ports: the clients are spread over them evenly.
        requests: each is sent once; the run ends early when they run out.
        clients: how many there are.
        seconds: how long they go on.
        mark: what stands in an answer that holds a reply.

    """
    sample, waiting = Sample(), iter(requests)
    with selectors.DefaultSelector() as selector:
        connections = [Connection(ports[n % len(ports)], selector) for n in range(clients)]
        start = time.perf_counter()
        busy = 0
        for connection, request in zip(connections, waiting, strict=False):
            connection.send(request, time.perf_counter())
            busy += 1
        while busy:
            for connection, now in _answers(selector, sample, mark):
                request = next(waiting, None) if now - start < seconds else None
                if request is None:
                    busy -= 1
                else:
                    connection.send(request, now)
        sample.seconds = time.perf_counter() - start
        for connection in connections:
            connection.close()
    return sample


def open_loop(
    ports: Sequence[int],
    requests: Sequence[bytes],
    *,
    rate: float,
    mark: bytes,
    bursty: bool = False,
) -> Sample:
    """Requests that come at a rate of their own, whether or not the last one is answered.

    A latency runs from the moment when a request was due, so that a server that falls behind
    cannot hide it.

    Args:
        ports: the connections are spread over them evenly.
        requests: all of them are sent.
        rate: how many come a second.
        mark: what stands in an answer that holds a reply.
        bursty: gaps vary as those of independent people do, instead of being even.

    """
    sample, due = Sample(), deque(_times(len(requests), rate, bursty))
    waiting = iter(requests)
    with selectors.DefaultSelector() as selector:
        connections = [Connection(ports[n % len(ports)], selector) for n in range(POOL)]
        idle, start = deque(connections), time.perf_counter()
        while due or len(idle) < POOL:
            while due and idle and start + due[0] <= time.perf_counter():
                idle.popleft().send(next(waiting), start + due.popleft())
            pause = max(0.0, start + due[0] - time.perf_counter()) if due and idle else 1.0
            idle.extend(connection for connection, _ in _answers(selector, sample, mark, pause))
        sample.seconds = time.perf_counter() - start
        for connection in connections:
            connection.close()
    return sample


def _times(count: int, rate: float, bursty: bool) -> Iterable[float]:
    gaps = random.Random(7)
    at = 0.0
    for _ in range(count):
        yield at
        at += gaps.expovariate(rate) if bursty else 1 / rate


def _answers(
    selector: selectors.BaseSelector, sample: Sample, mark: bytes, pause: float = TIMEOUT
) -> list[tuple[Connection, float]]:
    """Wait for answers, note them, and give back the connections that are free again."""
    free = []
    ready = selector.select(pause)
    if not ready and pause == TIMEOUT:
        raise TimeoutError("the server has not answered for half a minute")
    for key, _ in ready:
        connection: Connection = key.data
        answer = connection.receive()
        if answer is None:
            continue
        now = time.perf_counter()
        if answer[9:10] in (b"2", b"3"):
            sample.latencies.append(now - connection.due)
            sample.answered += mark in answer
        else:
            sample.failed += 1
        free.append((connection, now))
    return free
