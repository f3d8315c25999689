"""Ways to measure methods: one file a protocol, each with its own kind of labels."""

from cadrage.bench.protocols.boxes import Boxes, RatioRule
from cadrage.bench.protocols.interface import BenchProtocol, Measured, Question
from cadrage.bench.protocols.metric import METRICS, PER_ANNOTATOR, Metric, metric_of
from cadrage.bench.protocols.pairs import Pairs
from cadrage.bench.protocols.ranking import Ranking
from cadrage.bench.protocols.subject import SubjectCuts

__all__ = [
    "METRICS",
    "PER_ANNOTATOR",
    "BenchProtocol",
    "Boxes",
    "Measured",
    "Metric",
    "Pairs",
    "Question",
    "Ranking",
    "RatioRule",
    "SubjectCuts",
    "metric_of",
]
