"""The project file: one SQLite database that holds photographs, crops, people, and all that they judged."""

from cadrage.annotation.store.database import Store, now
from cadrage.annotation.store.photographs import (
    Photograph,
    Taken,
    broken,
    photographs,
    picture,
    reject,
    take_in,
)
from cadrage.annotation.store.projects import Kind, Project, create_project, project_of
from cadrage.annotation.store.raters import Rater, enter, exclude, raters, seconds_spent, spend
from cadrage.annotation.store.ratings import (
    Grading,
    RatedCrop,
    add_crops,
    crops_of,
    grade,
    graded_crops,
    grades_of,
    gradings,
    grid_crops,
    protocol_of,
)

__all__ = [
    "Grading",
    "Kind",
    "Photograph",
    "Project",
    "RatedCrop",
    "Rater",
    "Store",
    "Taken",
    "add_crops",
    "broken",
    "create_project",
    "crops_of",
    "enter",
    "exclude",
    "grade",
    "graded_crops",
    "grades_of",
    "gradings",
    "grid_crops",
    "now",
    "photographs",
    "picture",
    "project_of",
    "protocol_of",
    "raters",
    "reject",
    "seconds_spent",
    "spend",
    "take_in",
]
