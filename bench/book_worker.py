"""Runs inside the peers' environment: `book_worker.py NAME STREAM START` plays the stream on one of their order books.

Prints its best seconds over the timed part, the lots and the number of orders left. What the calls take is made ready
before, as Python objects; the books' own ids are kept as they hand them out.
"""

import json
import sys
import time
from array import array

ROUNDS = 3
REST, CANCEL, CROSS = 0, 1, 2


def limit_order_book(steps, start):
    from limit_order_book import LimitOrderBook

    book = LimitOrderBook()
    limit, cancel = book.limit, book.cancel
    begin = 0.0
    for i, (kind, side, price, lots, other) in enumerate(steps):
        if i == start:
            begin = time.process_time()
        if kind == CANCEL:
            cancel(other)
        else:
            limit(side == 0, i, lots, price)  # their True is a buy
    return time.process_time() - begin, book.volume(), book.count()


def litebook(steps, start):
    import litebook as library

    book = library.OrderBook(tick_size=1.0)
    create, add, cancel = book.create_order, book.add, book.cancel
    sides = library.OrderType.Buy, library.OrderType.Sell
    ids = [""] * len(steps)
    steps = [(kind, side, float(price), float(lots), other) for kind, side, price, lots, other in steps]
    begin = 0.0
    for i, (kind, side, price, lots, other) in enumerate(steps):
        if i == start:
            begin = time.process_time()
        if kind == CANCEL:
            cancel(ids[other])
        else:
            order = create(sides[side], price, lots)
            ids[i] = order.id
            add(order)
    seconds = time.process_time() - begin
    live = [*book.buy_orders, *book.sell_orders]
    return seconds, sum(order.quantity for order in live), len(live)


def main():
    name, path, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
    numbers = array("q")
    with open(path, "rb") as file:
        numbers.frombytes(file.read())
    steps = [tuple(numbers[i : i + 5]) for i in range(0, len(numbers), 6)]
    best, lots, count = float("inf"), 0, 0
    for _ in range(ROUNDS):
        seconds, lots, count = {"limit_order_book": limit_order_book, "litebook": litebook}[name](steps, start)
        best = min(best, seconds)
    print(json.dumps({"seconds": best, "lots": lots, "orders": count}))


main()
