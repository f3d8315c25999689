"""Where figures come from, when several runs computed them."""

from cadrage.bench.origin import Making, Origin

FIRST = Making("2026-01-02T03:04:05+00:00", {"cadrage": "0.1.0", "numpy": "2.4.1"}, 8)
LATER = Making("2026-03-04T05:06:07+00:00", {"cadrage": "0.1.0", "numpy": "2.5.0", "torch": "2.9"}, 8)


def test_an_origin_is_that_of_the_answers_and_not_of_the_run_that_shows_them():
    origin = Origin.of("cadrage bench", [FIRST, FIRST])
    assert origin == Origin("cadrage bench", FIRST.made, FIRST.made, FIRST.versions, 8)


def test_answers_of_several_runs_have_a_period_and_every_version():
    origin = Origin.of("cadrage bench", [LATER, FIRST, LATER])
    assert (origin.begun, origin.made) == (FIRST.made, LATER.made)
    assert origin.versions == {"cadrage": "0.1.0", "numpy": "2.4.1 and 2.5.0", "torch": "2.9"}


def test_an_answer_of_now_names_this_package_and_its_libraries():
    making = Making.now(3)
    assert {"cadrage", "python", "numpy", "pillow", "onnxruntime"} <= making.versions.keys()
    assert making.threads == 3
    assert making.made.endswith("+00:00")
