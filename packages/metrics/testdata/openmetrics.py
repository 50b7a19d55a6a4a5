"""Parses OpenMetrics pages with Python's strict parser: many pages in one process, so that a test starts it once.

Each page on standard input is preceded by its length in bytes, in decimal, on a line of its own. For each page a line of
JSON is printed: its families as [name, type, help, [[sample, labels, value], ...]]. The first page that is refused ends
it: the reason and the page are on standard error, and the exit code is 1.
"""

import json
import math
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def main(pages):
    while length := pages.readline():
        page = pages.read(int(length)).decode("utf-8")
        try:
            families = [
                [family.name, family.type, family.documentation,
                 [[sample.name, sample.labels, number(sample.value)] for sample in family.samples]]
                for family in text_string_to_metric_families(page)
            ]
        except Exception as error:
            sys.exit(f"refused: {error!r}\n{page}")
        print(json.dumps(families))


def number(value):
    """JSON has neither infinities nor NaN: those are strings, as JavaScript writes them."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(value)


main(sys.stdin.buffer)
