"""Every data set that cadrage knows: what it is, how it is read and written, its numbers and terms."""

from __future__ import annotations

from functools import partial

from cadrage.datasets.caption_crops import FILE, CaptionCrops, load_caption_crops, save_caption_crops
from cadrage.datasets.coco import load_coco, save_coco
from cadrage.datasets.cpc import load_cpc, save_cpc
from cadrage.datasets.data_set import DataSet
from cadrage.datasets.fcdb import CROPS, PAIRS, load_fcdb, load_fcdb_pairs, save_fcdb, save_fcdb_pairs
from cadrage.datasets.flms import load_flms, save_flms
from cadrage.datasets.gaicd import RELEASE_COUNTS, SPLITS, load_gaicd, save_gaicd
from cadrage.datasets.icdb import load_icdb, save_icdb
from cadrage.datasets.masks import load_masks
from cadrage.datasets.sacd import LABELS as SACD_LABELS
from cadrage.datasets.sacd import load_sacd, save_sacd
from cadrage.datasets.types import ComparedImage, FramedImage, MaskedImage, RatedImage
from cadrage.errors import RequestError

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
            parts=("", *SPLITS),
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
            parts=tuple(CROPS),
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
            names_people=True,
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
            marks=tuple(SACD_LABELS.values()),
            parts=tuple(SACD_LABELS),
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
            names_people=True,
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
            parts=None,
            names_people=True,
        ),
    )
}
"""By name. To add a data set, write a file with its reader and its ``DataSet``, and name it above."""


def find_data_set(name: str) -> DataSet:
    """A data set by its name.

    Raises:
        RequestError: there is none of that name.
    """
    if name not in DATA_SETS:
        raise RequestError(f"There is no data set '{name}': choose {', '.join(DATA_SETS)}.")
    return DATA_SETS[name]
