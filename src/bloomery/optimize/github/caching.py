"""Answers on disk: one an address, asked for again with its ETag each time.

Each page of a list has an address, so pages are kept apart. What hishel's own storage would do in a program
that ends after a second, and this one does not: keep all earlier answers of an address (then a 304 with a
weak ETag, as GitHub's are, fits none of them), keep errors, and put off removing anything for minutes.
"""

import sqlite3
import time
import uuid
from pathlib import Path

from githubkit.cache import MemCacheStrategy
from hishel import Entry, EntryMeta, Request, Response, SyncSqliteStorage

KEEP_S = 30 * 24 * 3600.0


class Answers(SyncSqliteStorage):
    """The newest good answer of each address."""

    def create_entry(
        self, request: Request, response: Response, key: str, id_: uuid.UUID | None = None
    ) -> Entry:
        if response.status_code != 200:
            return Entry(uuid.uuid4(), request, EntryMeta(time.time()), response, key.encode())
        with self._lock:
            connection = self._ensure_connection()
            connection.execute("DELETE FROM entries WHERE cache_key = ?", (key.encode(),))
            connection.commit()
        return super().create_entry(request, response, key, id_)

    def remove_old(self) -> None:
        with self._lock:
            connection = self._ensure_connection()
            connection.execute("DELETE FROM entries WHERE created_at < ?", (time.time() - KEEP_S,))
            connection.commit()


class OnDisk(MemCacheStrategy):
    """githubkit's way to a storage that outlives the process."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def get_hishel_storage(self) -> Answers:  # type: ignore[override]  # wider than what it declares
        storage = Answers(database_path=self.path)
        try:
            storage.remove_old()
        except sqlite3.DatabaseError:  # what is damaged is asked for again
            storage.close()
            for file in self.path.parent.glob(f"{self.path.name}*"):
                file.unlink()
            return Answers(database_path=self.path)
        return storage
