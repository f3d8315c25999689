"""Projects of captions and boxes to data sets of captions and crops."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cadrage import __version__
from cadrage.annotation.exchange.folders import RECORD, flat_names, new_folder
from cadrage.annotation.exchange.pictures import PictureSource, scaled
from cadrage.annotation.store import Photograph, Store, now, project_of, raters
from cadrage.annotation.store.boxes import Caption, Drawing, captioned, drawn
from cadrage.datasets.caption_crops import IMAGES, CaptionCrops, save_caption_crops
from cadrage.errors import DataError
from cadrage.geometry import as_boxes


@dataclass(frozen=True, slots=True)
class CaptionReport:
    """What an export holds; kept in it as ``export.json``.

    Attributes:
        title: of the project.
        made: when, ISO 8601.
        photographs: how many.
        captions: how many.
        boxes: how many.
        captions_left_out: captions for which nobody who counts has drawn a box.
        raters: how many people's boxes counted.
        excluded_raters: how many people are excluded.
        pictures: how many were copied and converted, and of which kind they are.
    """

    title: str
    made: str
    photographs: int
    captions: int
    boxes: int
    captions_left_out: int
    raters: int
    excluded_raters: int
    pictures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"cadrage": __version__, **asdict(self)}


def export_captions(
    store: Store,
    target: Path,
    pictures: PictureSource,
    *,
    anonymous: bool = False,
    overwrite: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> CaptionReport:
    """Write a project of captions as a data set of captions and crops, whole or not at all.

    Args:
        store: the project.
        target: the folder to make.
        pictures: where the pictures come from; boxes are scaled to what is written.
        anonymous: raters' numbers, in the order of their coming, for their names.
        overwrite: replace an earlier export.
        advance: called for each photograph that is written.

    Raises:
        DataError: it is no project of captions, nobody has drawn a box, a photograph is not at hand or has
            changed, the folder is in use, or something cannot be written.
    """
    project = project_of(store, "captions")
    with store.reading():
        tasks = captioned(store)
        people = raters(store)
        boxes: dict[int, list[Drawing]] = {}
        excluded = {rater.id for rater in people if rater.excluded is not None}
        for one in drawn(store):
            if one.rater not in excluded:
                boxes.setdefault(one.caption, []).append(one)
    if not boxes:
        raise DataError(f"Nobody has drawn a box in {store.path} yet, so there is nothing to export.")
    called = {rater.id: str(rater.id) if anonymous else rater.name for rater in people}
    kept = [
        (photograph, [caption for caption in captions if caption.id in boxes])
        for photograph, captions in tasks
        if any(caption.id in boxes for caption in captions)
    ]
    pictures.check(photograph for photograph, _ in kept)
    names = flat_names(photograph.name for photograph, _ in kept)
    entries: list[CaptionCrops] = []
    converted = 0
    with new_folder(target, overwrite=overwrite, needed=store.path) as folder:
        (folder / IMAGES).mkdir()
        for photograph, captions in kept:
            written = pictures.write(photograph, folder / IMAGES, names[photograph.name])
            converted += written.converted
            entries += [
                _entry(photograph, caption, boxes[caption.id], called, written.path, written.size_wh)
                for caption in captions
            ]
            advance()
        save_caption_crops(entries, folder, copy_pictures=False)
        report = CaptionReport(
            title=project.title,
            made=now(),
            photographs=len(kept),
            captions=len(entries),
            boxes=sum(map(len, boxes.values())),
            captions_left_out=sum(len(captions) for _, captions in tasks) - len(entries),
            raters=len({one.rater for some in boxes.values() for one in some}),
            excluded_raters=len(excluded),
            pictures={"kind": pictures.kind, "copied": len(kept) - converted, "converted": converted},
        )
        text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
        (folder / RECORD).write_text(f"{text}\n", encoding="utf-8")
    return report


def _entry(
    photograph: Photograph,
    caption: Caption,
    boxes: list[Drawing],
    called: Mapping[int, str],
    path: Path,
    size_wh: tuple[int, int],
) -> CaptionCrops:
    return CaptionCrops(
        image=path.name,
        path=path,
        size_wh=size_wh,
        caption=caption.text,
        boxes_xyxy=scaled(as_boxes(one.box for one in boxes), photograph.size_wh, size_wh),
        raters=tuple(called[one.rater] for one in boxes),
    )
