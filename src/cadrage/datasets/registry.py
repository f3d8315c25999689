"""Every data set that cadrage knows: what it is, how it is read and written, its numbers and terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from cadrage.datasets.caption_crops import FILE, CaptionCrops, load_caption_crops, save_caption_crops
from cadrage.datasets.coco import CocoImage, load_coco, save_coco
from cadrage.datasets.cpc import load_cpc, save_cpc
from cadrage.datasets.fcdb import CROPS, PAIRS, load_fcdb, load_fcdb_pairs, save_fcdb, save_fcdb_pairs
from cadrage.datasets.flms import load_flms, save_flms
from cadrage.datasets.gaicd import RELEASE_COUNTS, load_gaicd, save_gaicd
from cadrage.datasets.icdb import load_icdb, save_icdb
from cadrage.datasets.masks import load_masks
from cadrage.datasets.pictures import with_size
from cadrage.datasets.sacd import load_sacd, save_sacd
from cadrage.datasets.types import ComparedImage, FramedImage, MaskedImage, RatedImage
from cadrage.errors import DataError, RequestError

Image = CocoImage | MaskedImage
BOXED = (RatedImage, FramedImage, ComparedImage)

KINDS: dict[type, str] = {
    RatedImage: "rated crops",
    FramedImage: "best crops",
    ComparedImage: "pairs of crops",
    CaptionCrops: "crops for captions",
    MaskedImage: "masks",
}
"""What people said about the photographs, in words."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set, or a layout that data sets have.

    Attributes:
        name: as commands call it.
        title: what it is.
        kind: the type of its images; ``None`` for a layout of several kinds.
        load: reads all of a copy, given its folder, with the crops that nobody rated; pictures are not opened. With
            ``allow_missing``, which is given to sets that are ``listed`` only, labels without a picture are left
            out.
        save: writes images, given them and a folder; ``None`` where there is no writer.
        layout: what lies in the folder, in words.
        source: the publication.
        terms: the licence, or what is known of it.
        counts: images of each part of each published release; the part ``""`` is a set without parts.
        marks: names in the folder by which the layout is known, and which no other data set has.
        listed: its labels are a list apart from the pictures, which may be incomplete.
    """

    name: str
    title: str
    kind: type | None
    load: Callable[..., Sequence[Any]]
    layout: str
    source: str
    terms: str
    save: Callable[[Iterable[Any], Path], None] | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    listed: bool = True

    def read(
        self,
        root: Path,
        split: str = "all",
        *,
        read_sizes: bool = False,
        allow_missing: bool = False,
        keep_unrated: bool = False,
    ) -> tuple[Any, ...]:
        """Read a part of a copy, or all of it.

        Args:
            root: its folder.
            split: the part, or "all".
            read_sizes: read each picture's header for the size of its frame, and check that the boxes lie inside; a
                box that goes over the edge by a pixel at most is cut there.
            allow_missing: leave out labels whose picture is missing, where the layout can say so.
            keep_unrated: keep rated images' crops without a score, whose score is NaN.

        Returns:
            Images of the data set's kind.

        Raises:
            DataError: the copy is malformed, or a box is outside its picture.
            ImageError: a picture whose size is asked for cannot be read.
            RequestError: there is no such part.
            MissingExtraError: the layout needs an extra that is not installed.
        """
        if not root.is_dir():
            raise DataError(f"{root} is not a folder." if root.exists() else f"{root} does not exist.")
        images = self.load(root, allow_missing=allow_missing) if self.listed else self.load(root)
        if split != "all":
            parts = sorted({part for part in map(part_of, images) if part})
            if split not in parts:
                has = f"its parts are {', '.join(parts)}" if parts else "it has no parts"
                raise RequestError(f"{root} has no part '{split}': {has}.")
            images = [image for image in images if part_of(image) == split]
        if not keep_unrated:
            images = [_rated(image) if isinstance(image, RatedImage) else image for image in images]
        if read_sizes:
            images = [with_size(image) if isinstance(image, BOXED) else image for image in images]
        return tuple(images)


def _rated(image: RatedImage) -> RatedImage:
    kept = image.is_rated
    return replace(image, boxes_xyxy=image.boxes_xyxy[kept], mos=image.mos[kept])


def part_of(image: Image) -> str:
    """The part that an image belongs to; ``""`` if there are none."""
    return getattr(image, "split", None) or ""


def name_of(image: Image) -> str:
    """What messages call an image."""
    return image.image if isinstance(image, CaptionCrops) else image.name


FLICKR = (
    "photographs of Flickr's users, each under its owner's terms; no licence text of the labels is known here"
)
UNKNOWN = "no licence text is known here; see the authors' page before use"

DATA_SETS: dict[str, DataSet] = {
    one.name: one
    for one in (
        DataSet(
            name="gaicd",
            title="Grid-anchor image cropping data set",
            kind=RatedImage,
            load=partial(load_gaicd, keep_unrated=True),
            save=save_gaicd,
            layout="images/SPLIT/NAME.jpg and annotations/SPLIT/NAME.txt, a crop a line: y1 x1 y2 x2 MOS",
            source="Zeng et al., CVPR 2019 (conference release), TPAMI 2020 (journal release)",
            terms=FLICKR,
            counts={str(release): parts for release, parts in RELEASE_COUNTS.items()},
            marks=("annotations",),
            listed=False,
        ),
        DataSet(
            name="fcdb",
            title="Flickr cropping data set, best crops",
            kind=FramedImage,
            load=load_fcdb,
            save=save_fcdb,
            layout=f"images/NAME.jpg, {CROPS['train']} and {CROPS['test']}: url and crop [x, y, w, h]",
            source="Chen et al., WACV 2017",
            terms=f"{FLICKR}; published as a list of addresses",
            counts={"WACV 2017": {"train": 1395, "test": 348}},
            marks=tuple(CROPS.values()),
        ),
        DataSet(
            name="fcdb-pairs",
            title="Flickr cropping data set, pairs of crops with votes",
            kind=ComparedImage,
            load=load_fcdb_pairs,
            save=save_fcdb_pairs,
            layout=f"images/NAME.jpg and {PAIRS}: url and crops, pairs with votes",
            source="Chen et al., WACV 2017",
            terms=f"{FLICKR}; published as a list of addresses",
            counts={"WACV 2017": {"": 3413}},
            marks=(PAIRS,),
        ),
        DataSet(
            name="flms",
            title="FLMS or FAT, ten crops a photograph",
            kind=FramedImage,
            load=load_flms,
            save=save_flms,
            layout="image/NAME.jpg and 500_image_dataset.mat: img_gt with filename and bbox (y1 x1 y2 x2)",
            source="Fang et al., ACM MM 2014",
            terms=UNKNOWN,
            counts={"ACM MM 2014": {"": 500}},
            marks=("500_image_dataset.mat",),
        ),
        DataSet(
            name="icdb",
            title="ICDB or CUHK image cropping data set, three annotators",
            kind=FramedImage,
            load=load_icdb,
            save=save_icdb,
            layout="images/NAME.jpg and 'Cropping parameters.txt': a name, then three lines y1 y2 x1 x2",
            source="Yan et al., CVPR 2013",
            terms=UNKNOWN,
            counts={"CVPR 2013": {"": 950}},
            marks=("Cropping parameters.txt",),
        ),
        DataSet(
            name="cpc",
            title="Comparative photo composition, 24 views a photograph",
            kind=RatedImage,
            load=load_cpc,
            save=save_cpc,
            layout="images/NAME.jpg and image_crop.json: bboxes (x1 y1 x2 y2) and scores of each name",
            source="Wei et al., CVPR 2018",
            terms=UNKNOWN,
            counts={"CVPR 2018": {"": 10797}},
            marks=("image_crop.json",),
        ),
        DataSet(
            name="sacd",
            title="Compositions around a chosen subject",
            kind=RatedImage,
            load=load_sacd,
            save=save_sacd,
            layout="images/NAME.jpg and SPLIT.json: crops (x1 y1 x2 y2) and scores of each name",
            source="Yang et al., Computational Visual Media 2023",
            terms=UNKNOWN,
            counts={"CVM 2023": {"train": 2326, "val": 161, "test": 290}},
            marks=("train.json", "val.json", "test.json"),
        ),
        DataSet(
            name="captions",
            title="Crops that people drew for captions",
            kind=CaptionCrops,
            load=load_caption_crops,
            save=save_caption_crops,
            layout=f"images/NAME.jpg and {FILE}, a line of JSON a caption, with boxes (x1 y1 x2 y2)",
            source="cadrage ratings export",
            terms="those of whoever made the copy",
            marks=(FILE,),
            listed=False,
        ),
        DataSet(
            name="masks",
            title="Masks of the salient object",
            kind=MaskedImage,
            load=load_masks,
            layout="images/NAME.jpg and masks/NAME.png, white where the object is",
            source="as ECSSD: Shi et al., TPAMI 2016",
            terms=UNKNOWN,
            marks=("masks",),
            listed=False,
        ),
        DataSet(
            name="coco",
            title="Crops in COCO-style JSON",
            kind=None,
            load=load_coco,
            save=save_coco,
            layout="images/NAME.jpg and annotations.json: images, annotations with bbox (x y w h)",
            source="the layout of Lin et al., ECCV 2014",
            terms="those of whoever made the copy",
            marks=("annotations.json",),
        ),
    )
}
"""By name. To add a data set, write a file with its reader and add an entry here."""


def find_data_set(name: str) -> DataSet:
    """A data set by its name.

    Raises:
        RequestError: there is none of that name.
    """
    if name not in DATA_SETS:
        raise RequestError(f"There is no data set '{name}': choose {', '.join(DATA_SETS)}.")
    return DATA_SETS[name]
