"""The queue of uploaded photos, as SQS and Lambda serve it: at least once, with retries and dead letters."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from threading import Lock


@dataclass
class Message:
    """One photo, how often it was received, and when it is visible again."""

    photo: str
    received: int = 0
    visible_at: float = 0.0


@dataclass
class PhotoQueue:
    """A queue and the instances that read from it.

    Attributes:
        attempts: times that a message is received before it becomes a dead letter.
        visibility: seconds until a message that failed is visible again. A real queue waits six minutes; here little
            is lost by an attempt that waits for others, so more attempts are made.
        twice: share of the messages that are delivered twice although the first delivery succeeds.
        dead: photos in the dead-letter queue.
        failures: what the failed attempts raised.
        most_received: the largest number of times that a message was received.
    """

    attempts: int
    visibility: float
    twice: float
    dead: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    most_received: int = 0

    def serve(self, photos: Sequence[str], instances: Sequence[Callable[[str], None]]) -> None:
        """Give each photo to an instance until it is read or dead. Each instance reads one photo at a time."""
        random, self._lock = Random(1), Lock()  # noqa: S311 repeats, keeps no secret
        self._messages = [Message(photo) for photo in photos]
        self._messages += [Message(photo) for photo in photos if random.random() < self.twice]
        random.shuffle(self._messages)
        self._left = len(self._messages)
        with ThreadPoolExecutor(len(instances)) as pool:
            list(pool.map(self._work, instances))

    def _work(self, read: Callable[[str], None]) -> None:
        while self._left:
            message = self._receive()
            if message is None:
                time.sleep(0.05)
                continue
            try:
                read(message.photo)
            except Exception as error:  # noqa: BLE001 - Lambda reports every failure to the queue
                self._failed(message, error)
            else:
                with self._lock:
                    self._left -= 1

    def _receive(self) -> Message | None:
        with self._lock:
            now = time.monotonic()
            at = next((at for at, message in enumerate(self._messages) if message.visible_at <= now), None)
            if at is None:
                return None
            message = self._messages.pop(at)
            message.received += 1
            self.most_received = max(self.most_received, message.received)
            return message

    def _failed(self, message: Message, error: Exception) -> None:
        with self._lock:
            self.failures.append(error)
            if message.received >= self.attempts:
                self.dead.append(message.photo)
                self._left -= 1
                return
            message.visible_at = time.monotonic() + self.visibility
            self._messages.append(message)
