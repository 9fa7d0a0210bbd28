"""The book against dictionaries and lists: every answer, every order of priority, every structure, full and empty."""

import random

import pytest

from book_world import DROP, MARKETS, Book, Model, check, play, walk


@pytest.mark.parametrize("seed", range(4))
def test_any_steps_leave_the_book_equal_to_the_model(seed: int) -> None:
    chance, book, model = random.Random(seed), Book(), Model()
    for steps, full in ((2_400, 0.6), (1_600, 0.4), (4_800, 0.95), (1_600, 0.3)):
        play(book, model, chance, steps, full)
        for row in range(4 * len(MARKETS)):
            assert walk(book, row) == model.priority(row)
    for identity in list(model.orders):
        book.one(DROP, identity)
        model.drop(identity)
    check(book, model)
    assert not book.columns["grid_3"].any()
