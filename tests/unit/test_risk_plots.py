"""Labels of a plot cover neither points nor one another."""

import xml.etree.ElementTree as Tree
from itertools import combinations

from seawall.risk.plots import HEIGHT, LETTER, LINE, WIDTH, Point, scatter

Box = tuple[float, float, float, float]


def drawn(points: list[Point]) -> tuple[list[Box], list[Box]]:
    """(boxes of the points, boxes of the labels that are points' names) as the SVG has them."""
    root = Tree.fromstring(scatter(points, title="t", x_title="x", y_title="y", percent_y=False))
    names, dots, labels = {point.name for point in points}, [], []
    for one in root.iter("circle"):
        x, y, r = (float(one.attrib[key]) for key in ("cx", "cy", "r"))
        dots.append((x - r, y - r, x + r, y + r))
    for one in root.iter("text"):
        if one.text in names:
            x, y, width = float(one.attrib["x"]), float(one.attrib["y"]), LETTER * len(one.text or "")
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[one.attrib["text-anchor"]]
            labels.append((left, y - LINE, left + width, y))
    return dots, labels


def meet(one: Box, two: Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def test_the_best_policys_label_covers_no_point() -> None:
    rest = [Point("", 0.55 + 0.02 * k, 0.82 + 0.001 * (k % 3)) for k in range(20)]
    dots, labels = drawn([Point("m0.8 e0.976 t1 f0.001 index", 0.551, 0.8221, True), *rest])
    assert len(dots) == 21
    assert len(labels) == 1
    assert not any(meet(labels[0], dot) for dot in dots)


def test_labels_keep_apart_and_inside() -> None:
    points = [Point(f"margin {k}", 1.0 + 0.08 * (k % 4), 0.010 * (1 + 0.02 * (k // 4))) for k in range(8)]
    dots, labels = drawn([*points, Point("far right", 2.0, 0.05)])
    assert len(labels) == 9
    assert not any(meet(label, dot) for label in labels for dot in dots)
    assert not any(meet(one, two) for one, two in combinations(labels, 2))
    assert all(left >= 0 and right <= WIDTH and top >= 0 and foot <= HEIGHT for left, top, right, foot in labels)
