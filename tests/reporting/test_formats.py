import math

import pytest

from themeloom.reporting import formats
from themeloom.scored import Score


def test_placeholders_become_chips() -> None:
    shown = formats.message("[person 12] & [<b> 3] [postcode 4] [see page 4] [Person 1] [person]")
    assert shown == (
        '<span class="chip">person 12</span> &amp; [&lt;b&gt; 3] <span class="chip">postcode 4</span> '
        '[see page 4] [Person 1] <span class="chip">person</span>'
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (formats.share(0.004), "<1%"),
        (formats.share(0), "0%"),
        (formats.share(0.9949), "99%"),
        (formats.share(0.997), ">99%"),
        (formats.share(1), "100%"),
        (formats.probability(0.474), "0.47"),
        (formats.probability(0.997), "0.997"),
        (formats.probability(0.99999), "0.9999"),
        (formats.probability(1), "1.00"),
        (formats.probability(0.004), "0.004"),
        (formats.probability(0.00003), "3e-05"),
        (formats.probability(0), "0.00"),
        (formats.share(float("nan")), "\N{EN DASH}"),
        (formats.decimal(-0.126), "\N{MINUS SIGN}0.13"),
        (formats.decimal(-0.004), "0.00"),
        (formats.share(-0.002), "0%"),
        (formats.signed(-0.004), "+0.00"),
        (formats.signed(-0.05), "\N{MINUS SIGN}0.05"),
        (str(Score(-0.001, -0.004, 0.26)), "0.00 (0.00 to 0.26)"),
        (str(Score(-0.001, math.nan, math.nan)), "0.00 (no interval)"),
        (str(Score(math.nan, math.nan, math.nan)), "undefined"),
        (formats.percent(1.7), "100.0%"),
        (formats.percent(float("nan")), "0.0%"),
        (formats.number(1195), "1,195"),
        (formats.duration(0.001), "<0.1\u00a0s"),
        (formats.duration(0.44), "0.4\u00a0s"),
        (formats.duration(59.7), "1\u00a0min 0\u00a0s"),
        (formats.duration(41.2), "41\u00a0s"),
        (formats.duration(185), "3\u00a0min 5\u00a0s"),
        (formats.duration(7_860), "2\u00a0h 11\u00a0min"),
        (formats.moment("2026-01-02T03:04:05+02:00"), "2 January 2026, 01:04 UTC"),
        (formats.moment("2026-01-02T03:04:05"), "2 January 2026, 03:04 UTC"),
        (formats.moment("long ago"), "long ago"),
        (formats.short("sqlite:////home/ada/mlruns/mlflow.db"), "mlflow.db"),
        (formats.short("sqlite:///mlruns/mlflow.db"), "mlflow.db"),
        (formats.short("https://host.example/mlflow"), "https://host.example/mlflow"),
        (formats.short("sentence-transformers/all-MiniLM-L6-v2"), "sentence-transformers/all-MiniLM-L6-v2"),
        (formats.short("../models/x/"), "x"),
    ],
)
def test_numbers_and_names_read_well(shown: str, expected: str) -> None:
    assert shown == expected


def test_scores_are_told_with_their_interval() -> None:
    assert formats.scored(Score(0.474, 0.41, 0.52)) == "0.47 (95% interval 0.41 to 0.52)"
    nothing = Score(1.0, float("nan"), float("nan"))
    assert (formats.scored(nothing), formats.interval(nothing)) == ("1.00 (no interval)", "no interval")


def test_sparks_stay_in_their_box() -> None:
    assert formats.spark([0, 5, 10]) == "0.0,19.0 50.0,10.0 100.0,1.0"
    assert formats.spark([0]) == "0.0,19.0"
    assert formats.spark([]) == ""
