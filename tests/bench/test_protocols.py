"""The protocols: what they ask, and numbers that can be worked out by hand."""

import math

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.methods import Picture
from cadrage.bench.protocols import Boxes, Pairs, Ranking, SubjectCuts, metric_of
from cadrage.datasets.types import ComparedImage, FramedImage, MaskedImage, RatedImage
from cadrage.errors import DataError
from cadrage.geometry import AspectRatio


def boxes(*rows):
    return np.array(rows, dtype=float).reshape(-1, 4)


def pictures(protocol, size_wh=(100, 50)):
    return [Picture(image.name, image.path, size_wh) for image in protocol.images]


def measured(protocol, *answers, size_wh=(100, 50)):
    return protocol.measure(
        pictures(protocol, size_wh), [np.array(answer, dtype=float) for answer in answers]
    )


def numbers(found):
    return {key: values.tolist() for key, values in found.metrics.items()}


class TestRanking:
    GIVEN = boxes([0, 0, 10, 10], [0, 0, 20, 20], [5, 5, 30, 30], [0, 0, 40, 40])

    def rated(self, tmp_path, mos, name="a"):
        return RatedImage(name, tmp_path / f"{name}.jpg", self.GIVEN, np.array(mos))

    def test_crops_that_nobody_rated_are_left_out(self, tmp_path):
        protocol = Ranking.of([self.rated(tmp_path, [1, math.nan, 3, 2])])
        np.testing.assert_array_equal(protocol.question(0).boxes_xyxy, self.GIVEN[[0, 2, 3]])
        np.testing.assert_array_equal(protocol.reference(0), self.GIVEN[[2]])

    def test_the_metrics_are_those_of_cadrage_metrics(self, tmp_path):
        """Scores 0.9, 0.1, 0.5 of MOS 4, 3, 2: ranks 3, 1, 2 against 3, 2, 1 correlate with 0.5."""
        protocol = Ranking.of([self.rated(tmp_path, [4, 3, 2, math.nan])])
        found = measured(protocol, [0.9, 0.1, 0.5])
        assert found.metrics["srcc"][0] == pytest.approx(0.5)
        assert found.metrics["regret"].tolist() == [0]
        assert len(found.metrics) == 3 + 3 * 8
        np.testing.assert_array_equal(found.chosen_xyxy, self.GIVEN[[0]])

    def test_both_tie_rules_are_measured(self, tmp_path):
        """All six crops have one MOS: each is tied with the fifth, and the last is sixth in file order."""
        six = RatedImage("a", tmp_path / "a.jpg", np.tile(self.GIVEN[:1], (6, 1)), np.full(6, 3.0))
        found = measured(Ranking.of([six]), [0, 0, 0, 0, 0, 1])
        assert found.metrics["acc1_5"].tolist() == [1]
        assert found.metrics["acc1_5_strict"].tolist() == [0]

    def test_other_labels_have_another_digest(self, tmp_path):
        first = Ranking.of([self.rated(tmp_path, [1, 2, 3, 4])])
        assert first.digest == Ranking.of([self.rated(tmp_path / "moved", [1, 2, 3, 4])]).digest
        assert first.digest != Ranking.of([self.rated(tmp_path, [1, 2, 3, 4.5])]).digest
        assert first.digest != Ranking.of([self.rated(tmp_path, [1, 2, 3, 4], "b")]).digest

    def test_scores_must_be_one_for_each_crop(self, tmp_path):
        protocol = Ranking.of([self.rated(tmp_path, [1, 2, 3, 4])])
        with pytest.raises(DataError, match="'a' needs 4 finite scores"):
            measured(protocol, [1, 2, 3])

    def test_there_must_be_images_with_ratings(self, tmp_path):
        with pytest.raises(DataError, match="no image to measure"):
            Ranking.of([])
        with pytest.raises(DataError, match="'a' has no rated crop"):
            Ranking.of([self.rated(tmp_path, [math.nan] * 4)])


class TestBoxes:
    def framed(self, tmp_path, *rows, annotators=(), name="a"):
        return FramedImage(name, tmp_path / "a.jpg", boxes(*rows), annotators=annotators)

    def test_one_box_is_compared_by_iou_and_displacement(self, tmp_path):
        """Half of the frame against all of it: IoU 0.5; one of four edges is off by half a side: 0.125."""
        protocol = Boxes((self.framed(tmp_path, [0, 0, 50, 50]),))
        assert protocol.question(0).ratios == (None,)
        assert numbers(measured(protocol, [[0, 0, 100, 50]])) == {"iou": [0.5], "bde": [0.125]}

    def test_of_several_boxes_the_best_and_the_mean_count(self, tmp_path):
        protocol = Boxes((self.framed(tmp_path, [0, 0, 50, 50], [0, 0, 100, 50]),))
        found = numbers(measured(protocol, [[0, 0, 100, 50]]))
        assert found == {"iou_best": [1], "iou_mean": [0.75], "bde_best": [0], "bde_mean": [0.0625]}

    def test_at_the_ratio_of_the_people_each_box_has_an_answer_of_its_own(self, tmp_path):
        protocol = Boxes((self.framed(tmp_path, [0, 0, 50, 50], [0, 0, 100, 50]),), "own")
        assert [str(ratio) for ratio in protocol.question(0).ratios] == ["50:50", "100:50"]
        found = measured(protocol, [[25, 0, 75, 50], [0, 0, 100, 50]])
        assert numbers(found) == {"iou": [pytest.approx((1 / 3 + 1) / 2)], "bde": [pytest.approx(0.0625)]}

    def test_annotators_of_every_image_have_an_iou_of_their_own(self, tmp_path):
        rows = ([0, 0, 50, 50], [0, 0, 100, 50])
        images = tuple(
            self.framed(tmp_path, *rows, annotators=names, name=names[0])
            for names in (("ann", "ben"), ("ben", "ann"))
        )
        found = numbers(measured(Boxes(images), [[0, 0, 100, 50]], [[0, 0, 100, 50]]))
        assert (found["iou:ann"], found["iou:ben"]) == ([0.5, 1], [1, 0.5])
        assert metric_of("iou:ann").label == "IoU ann"

    def test_annotators_of_some_images_have_none(self, tmp_path):
        images = (
            self.framed(tmp_path, [0, 0, 50, 50], [0, 0, 9, 9], annotators=("ann", "ben")),
            self.framed(tmp_path, [0, 0, 50, 50], name="b"),
        )
        found = measured(Boxes(images), [[0, 0, 50, 50]], [[0, 0, 50, 50]])
        assert not [key for key in found.metrics if key.startswith("iou:")]

    def test_the_rule_names_the_ratio(self, tmp_path):
        image = self.framed(tmp_path, [0, 0, 50, 50])
        rules = [Boxes((image,), ratio).rule for ratio in ("free", "own", AspectRatio(16, 9))]
        assert rules == ["free ratio", "at the ratio of the people's boxes", "ratio 16:9"]

    def test_an_answer_of_other_boxes_is_refused(self, tmp_path):
        protocol = Boxes((self.framed(tmp_path, [0, 0, 50, 50]),))
        with pytest.raises(DataError, match=r"'a' got boxes of shape \(2, 4\)"):
            measured(protocol, [[0, 0, 1, 1], [0, 0, 2, 2]])


class TestPairs:
    FIRST, SECOND = boxes([0, 0, 10, 10], [0, 0, 20, 20]), boxes([0, 0, 30, 30], [0, 0, 40, 40])

    def compared(self, tmp_path, votes, name="a"):
        return ComparedImage(name, tmp_path / "a.jpg", self.FIRST, self.SECOND, np.array(votes))

    def test_scores_agree_with_the_majority_or_do_not(self, tmp_path):
        """Pair 1 is right (4 of 5 votes), pair 2 wrong (its 2 of 5 votes agree)."""
        protocol = Pairs((self.compared(tmp_path, [[4, 1], [3, 2]]),))
        assert len(protocol.question(0).boxes_xyxy) == 4
        found = measured(protocol, [0.9, 0.1, 0.5, 0.2])
        assert numbers(found) == {"pair_accuracy": [0.5], "vote_share": [0.6]}
        np.testing.assert_array_equal(found.chosen_xyxy, self.FIRST[[0]])

    def test_pairs_without_a_majority_do_not_count_and_equal_scores_count_a_half(self, tmp_path):
        protocol = Pairs((self.compared(tmp_path, [[2, 2], [5, 0]]),))
        found = measured(protocol, [9, 1, 1, 1])
        assert numbers(found) == {"pair_accuracy": [0.5], "vote_share": [(2 + 2.5) / 9]}
        assert found.weights["pair_accuracy"].tolist() == [1]
        assert found.weights["vote_share"].tolist() == [9]

    def test_an_image_whose_pairs_are_all_tied_has_no_accuracy(self, tmp_path):
        found = measured(Pairs((self.compared(tmp_path, [[2, 2], [1, 1]]),)), [4, 3, 2, 1])
        assert math.isnan(found.metrics["pair_accuracy"][0])


class TestSubjectCuts:
    @pytest.fixture
    def images(self, tmp_path):
        """The subject of 100 x 50 pixels covers columns 20 to 60 of all rows from 10 to 30."""
        mask = np.zeros((50, 100), np.uint8)
        mask[10:30, 20:60] = 255
        Image.fromarray(mask).save(tmp_path / "mask.png")
        Image.new("RGB", (100, 50)).save(tmp_path / "a.png")
        return (MaskedImage("a", tmp_path / "a.png", tmp_path / "mask.png"),)

    @pytest.mark.parametrize(
        ("box", "lost", "cut"),
        [
            ([0, 0, 100, 50], 0, 0),
            ([24, 0, 100, 50], 0.1, 0),
            ([30, 0, 100, 50], 0.25, 1),
            ([70, 0, 100, 50], 1, 1),
            ([0, 20, 40, 50], 0.75, 1),
        ],
    )
    def test_the_share_outside_the_crop_is_lost(self, images, box, lost, cut):
        found = measured(SubjectCuts.of(images, None), [box])
        assert found.metrics["lost"][0] == pytest.approx(lost)
        assert found.metrics["cut"].tolist() == [cut]
        x1, y1, x2, y2 = box
        assert found.metrics["area"][0] == pytest.approx((x2 - x1) * (y2 - y1) / 5000)

    def test_the_reference_is_the_box_of_the_subject(self, images):
        protocol = SubjectCuts.of(images, AspectRatio(1, 1))
        assert protocol.reference(0).tolist() == [[20, 10, 60, 30]]
        assert protocol.question(0).ratios == (AspectRatio(1, 1),)

    def test_another_ratio_reads_no_mask_again(self, images):
        first = SubjectCuts.of(images, AspectRatio(1, 1))
        images[0].mask_path.unlink()
        other = first.at(None)
        assert (first.rule, other.rule) == ("ratio 1:1", "free ratio")
        assert measured(other, [[0, 0, 100, 50]]).metrics["lost"].tolist() == [0]
