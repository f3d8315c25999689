"""Records of captioners, and the photographs that they say were learnt from."""

from pathlib import Path

import pytest

from cadrage.captions.evaluation.learned import learned_from
from cadrage.datasets.entities import CaptionDivision, CaptionedImage
from cadrage.datasets.gaicd import split_by_seed

EVERY = [CaptionedImage(str(number), Path(), (4, 4), ("a dog",), ()) for number in range(6)]
TRAINING, VALIDATION = split_by_seed(EVERY, 2, 5)
DATA = CaptionDivision(TRAINING, VALIDATION, "2 photographs, seed 5").record()


def test_what_was_left_out_of_the_training_was_not_learnt_from():
    assert not learned_from({"data": DATA}, EVERY, VALIDATION)
    assert not learned_from({"data": DATA}, EVERY, VALIDATION[:1])
    assert learned_from({"data": DATA}, EVERY, [VALIDATION[0], TRAINING[0]])


def test_without_a_part_left_out_all_was_learnt_from():
    data = CaptionDivision(tuple(EVERY), (), "none").record()
    assert learned_from({"data": data}, EVERY, VALIDATION)


@pytest.mark.parametrize(
    "record",
    [{}, {"data": None}, {"data": DATA | {"training_images": "4"}}, {"data": DATA | {"training_images": 3}}],
    ids=["no record", "no data", "no numbers", "of fewer photographs"],
)
def test_of_other_data_it_is_not_known(record):
    assert not learned_from(record, EVERY, EVERY)
