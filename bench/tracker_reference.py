"""The usual shape of an options tracker in Python, for `npm run bench:tracker` to stand beside.

    python bench/tracker_reference.py REST STREAM FILE --coins BTC,ETH [--batch-size 50] [--batch-timeout 2]

One asyncio loop: a task a WebSocket parses tickers and appends rows to a deque; a writer takes them off in batches, when a
batch is full or a timeout has passed, and puts each batch into SQLite in one transaction, on a thread of its own so that
the sockets are read meanwhile. The deque is bounded: a writer that is too slow loses the oldest rows, which is counted.
"""
import argparse
import asyncio
import json
import signal
import sqlite3
import sys
import urllib.parse
import urllib.request
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import websockets

TABLE = """CREATE TABLE IF NOT EXISTS quotes (symbol TEXT PRIMARY KEY, updated INTEGER, last REAL, bid REAL, ask REAL,
    mark REAL, iv REAL, delta REAL, gamma REAL, vega REAL, theta REAL, oi REAL, volume REAL) WITHOUT ROWID"""
UPSERT = "INSERT OR REPLACE INTO quotes VALUES (" + ", ".join("?" * 13) + ")"
FIELDS = ("lastPrice", "bidPrice", "askPrice", "markPrice", "markPriceIv", "delta", "gamma", "vega", "theta", "openInterest",
          "totalVolume")


def listed(rest, coins):
    symbols = []
    for coin in coins:
        cursor = ""
        while True:
            query = urllib.parse.urlencode({"category": "option", "baseCoin": coin, "limit": 1000, "cursor": cursor})
            with urllib.request.urlopen(f"{rest}/v5/market/instruments-info?{query}", timeout=15) as answer:
                result = json.load(answer)["result"]
            symbols += [row["symbol"] for row in result["list"] if row["status"] == "Trading"]
            cursor = result["nextPageCursor"]
            if not cursor:
                break
    return symbols


class Tracker:
    def __init__(self, file, size, timeout, queue):
        self.file, self.size, self.timeout = file, size, timeout
        self.rows, self.dropped, self.full = deque(maxlen=queue), 0, asyncio.Event()
        self.thread = ThreadPoolExecutor(1)

    async def read(self, stream, symbols):
        async for socket in websockets.connect(stream, ping_interval=20, compression=None, max_size=2**20):
            try:
                for i in range(0, len(symbols), 25):
                    await socket.send(json.dumps({"op": "subscribe", "args": [f"tickers.{s}" for s in symbols[i:i + 25]]}))
                async for text in socket:
                    message = json.loads(text)
                    if "topic" in message:
                        self.take(message)
            except websockets.ConnectionClosed:
                continue

    def take(self, message):
        data = message["data"]
        self.dropped += len(self.rows) == self.rows.maxlen
        self.rows.append((data["symbol"], message["ts"] * 1000, *(float(data[field] or "nan") for field in FIELDS)))
        if len(self.rows) >= self.size:
            self.full.set()

    async def write(self):
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.thread, self.open)
        while True:
            try:
                await asyncio.wait_for(self.full.wait(), self.timeout)
            except asyncio.TimeoutError:
                pass
            self.full.clear()
            while self.rows:
                batch = [self.rows.popleft() for _ in range(min(self.size, len(self.rows)))]
                await loop.run_in_executor(self.thread, self.commit, batch)
                if len(self.rows) < self.size:
                    break

    def open(self):
        self.database = sqlite3.connect(self.file, isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        self.database.execute(TABLE)

    def commit(self, batch):
        self.database.execute("BEGIN")
        self.database.executemany(UPSERT, batch)
        self.database.execute("COMMIT")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rest"), parser.add_argument("stream"), parser.add_argument("file")
    parser.add_argument("--coins", default="BTC,ETH")
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--batch-timeout", type=float, default=2)
    parser.add_argument("--queue", type=int, default=5000)
    args = parser.parse_args()
    symbols = listed(args.rest, args.coins.split(","))
    tracker = Tracker(args.file, args.batch_size, args.batch_timeout, args.queue)
    tasks = [tracker.read(args.stream, symbols[i:i + 500]) for i in range(0, len(symbols), 500)]
    running = asyncio.gather(tracker.write(), *tasks)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        print(json.dumps({"dropped": tracker.dropped, "waiting": len(tracker.rows)}), file=sys.stderr)


asyncio.run(main())
