"""``cadrage evaluate captions``: how near the crops of captions are to what the captions describe."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.atomic import replacing, require_replaceable
from cadrage.cli.caption_options import ALLOW_PICKLE_HELP, SPLIT_HELP
from cadrage.cli.console import INTERRUPTED, Progress, Rows, complain
from cadrage.errors import DataError, MissingExtraError, RequestError

if TYPE_CHECKING:
    from cadrage.captions.evaluation.answering import Records
    from cadrage.captions.evaluation.cases import CaptionCase
    from cadrage.captions.evaluation.methods import CropMethod, Networks
    from cadrage.captions.evaluation.summary import Summary
    from cadrage.captions.protocols import Captioner
    from cadrage.captions.similarity.measures import Similarity, SimilarityOptions
    from cadrage.datasets.entities import CaptionedImage

PROTOCOLS = {
    "entities": "one phrase of each photograph against the box around what it names",
    "captions": "whole captions against the box around all that they name",
    "boxes": "captions against the crops that people drew for them",
    "mosaics": "the caption of one of four photographs in one frame against its quarter",
}


def evaluate_captions(
    root: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder with images/ and captions.jsonl: with phrases, or crops."),
    ],
    *,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="original, centre=SHARE, anchor, gradcam, grounding=MODEL, cagic, or cagic:NAME=VALUE,...; may be "
            "repeated. [original, centre=0.9, centre=0.7, anchor, gradcam, cagic]",
        ),
    ] = None,
    ablation: Annotated[
        list[str] | None,
        typer.Option(
            help="stabilisers, aesthetic, restarts or evidence: the methods of one; may be repeated."
        ),
    ] = None,
    protocol: Annotated[str, typer.Option(help="entities, captions, boxes or mosaics.")] = "entities",
    split: Annotated[str, typer.Option(help=SPLIT_HELP)] = "val",
    validation: Annotated[
        int | None, typer.Option(min=1, help="Photographs drawn for val. [500, at most a fifth]")
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    cases: Annotated[
        int | None, typer.Option(min=1, help="Measure on so many cases only, drawn by seed.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the cases, and the first of the searches.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Searches of each case, seed after seed.")] = 1,
    captioner: Annotated[
        str | None, typer.Option(metavar="FILE|DIR|NAME", help="Another captioner for cagic and gradcam.")
    ] = None,
    aesthetics: Annotated[
        str, typer.Option(metavar="SPEC", help="gaic, gaic-regions, nima=FILE or none.")
    ] = "gaic-regions",
    allow_pickle: Annotated[
        bool,
        typer.Option("--allow-pickle", help=ALLOW_PICKLE_HELP),
    ] = False,
    similarity: Annotated[
        bool, typer.Option("--similarity", help="Compare captions of the crops with the captions given.")
    ] = False,
    speaker: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR|NAME", help="Captioner that describes the crops. [the one that guides]"
        ),
    ] = None,
    embedding: Annotated[
        str | None, typer.Option(metavar="DIR|NAME", help="Text network of the sentence embedding.")
    ] = None,
    meteor_jar: Annotated[
        Path | None, typer.Option(metavar="FILE", help="METEOR's program. [that of pycocoevalcap]")
    ] = None,
    run: Annotated[Path, typer.Option(metavar="FOLDER", help="Where answers are kept.")] = Path(
        "runs/captions"
    ),
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each method's crops there, for a study.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write the table there, too.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. [one for each CPU]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare croppers of captions: overlap with the true boxes, where their centres lie, and the time they take.

    IoU is the intersection over union with the nearest true box, a mean over cases with its deviation over images,
    over seeds and over the restarts of a search, and the bootstrap interval of 95 % of the mean. A caption that a
    method can do nothing with counts with the whole frame.

    Answers are kept in --run: a stopped command goes on where it was, a repeated one computes nothing.

    \b
      cadrage evaluate captions CAPTIONS --cases 200 --report entities.md
      cadrage evaluate captions CAPTIONS --protocol mosaics --method cagic --method centre=0.7
      cadrage evaluate captions CAPTIONS --ablation stabilisers
      cadrage evaluate captions CAPTIONS --similarity --embedding MODEL --json
      cadrage evaluate captions DRAWN --protocol boxes --out crops
    """
    if protocol not in PROTOCOLS:
        raise RequestError(f"--protocol is {', '.join(PROTOCOLS)}; got '{protocol}'.")
    if not similarity and (speaker or embedding or meteor_jar):
        raise RequestError(
            "--speaker, --embedding and --meteor-jar are about captions: give --similarity too."
        )
    _require_writable(report, out)
    part = _part(root, protocol, split, validation, split_seed)
    chosen = _cases(root, protocol, part, cases, seed)
    networks = _networks(captioner, aesthetics, threads, allow_pickle=allow_pickle)
    numbers = _search_seeds(seed, seeds)
    methods = _methods(_specs(method, ablation), networks, threads)
    describer = _describer(networks, speaker, threads, allow_pickle=allow_pickle) if similarity else None
    options = _similarity_options(embedding, meteor_jar) if similarity else None
    _warn_of_captioners(part, methods, captioner, speaker, similarity=similarity)
    measured = _Measured(chosen, numbers)
    try:
        _run(measured, methods, run, describer, options)
    except KeyboardInterrupt:
        complain(
            f"Stopped after {len(measured.summaries)} of {len(methods)} methods. Repeat the command to go on."
        )
    if measured.summaries:
        heading = [
            f"{root.resolve().name}, protocol {protocol}",
            f"{PROTOCOLS[protocol]}; split {part.name}: {len(chosen)} cases, case seed {seed}, "
            f"search seeds {', '.join(map(str, numbers))}",
            *(f"{one.name}: {one.version}" for one in methods),
            *([f"captions of crops by {describer.version}"] if describer else []),
        ]
        _tell(heading, measured, report, as_json=as_json)
        if out is not None:
            _write_study(out, measured, quiet=as_json)
    if len(measured.summaries) < len(methods):
        raise typer.Exit(INTERRUPTED)


class _Measured:
    """What was found so far, by method."""

    def __init__(self, cases: Sequence[CaptionCase], seeds: Sequence[int]) -> None:
        self.cases = cases
        self.seeds = seeds
        self.answers: dict[str, Records] = {}
        self.summaries: dict[str, Summary] = {}
        self.notes: dict[str, None] = {}


@dataclass(frozen=True, slots=True, eq=False)
class _Describer:
    """Who says what is on the crops."""

    captioner: Captioner
    version: str


def _require_writable(report: Path | None, out: Path | None) -> None:
    """Find out before long work that its results could not be written.

    Raises:
        RequestError: the report has no folder or cannot take its place there, or what is to be a folder is a file.
    """
    if report is not None:
        if not report.resolve().parent.is_dir():
            raise RequestError(f"--report {report}: there is no folder {report.resolve().parent}.")
        try:
            require_replaceable(report)
        except OSError as error:
            raise RequestError(f"--report {report} cannot be written: {error.strerror}.") from error
    if out is not None:
        there = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
        if not there.is_dir():
            raise RequestError(f"--out {out}: {there} is a file; a folder is needed.")


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The photographs that methods are measured on, of all of the data set; none for crops that people drew."""

    name: str
    images: Sequence[CaptionedImage] = ()
    every: Sequence[CaptionedImage] = ()


def _part(root: Path, protocol: str, split: str, validation: int | None, split_seed: int) -> _Part:
    from cadrage.datasets.entities import divide_captions, load_entities  # noqa: PLC0415

    if split not in {"val", "all"}:
        raise RequestError(f"--split is val or all; got '{split}'.")
    if protocol == "boxes":
        return _Part("all")
    if split == "all":
        images = load_entities(root)
        return _Part("all", images, images)
    division = divide_captions(root, validation, split_seed)
    every = (*division.training, *division.validation)
    return _Part(f"val ({division.description})", division.validation, every)


def _cases(root: Path, protocol: str, part: _Part, count: int | None, seed: int) -> tuple[CaptionCase, ...]:
    from cadrage.captions.evaluation.cases import crop_cases, draw_cases, entity_cases, sentence_cases  # noqa: PLC0415
    from cadrage.captions.evaluation.mosaics import mosaic_cases  # noqa: PLC0415
    from cadrage.datasets.caption_crops import load_caption_crops  # noqa: PLC0415

    match protocol:
        case "boxes":
            found = crop_cases(load_caption_crops(root))
        case "entities":
            found = entity_cases(part.images, seed)
        case "captions":
            found = sentence_cases(part.images)
        case _:
            found = mosaic_cases(part.images, seed)
    return draw_cases(found, count, seed)


def _warn_of_captioners(
    part: _Part, methods: Sequence[CropMethod], guide: str | None, speaker: str | None, *, similarity: bool
) -> None:
    """Say where a captioner that guides crops, or describes them, has learnt from the photographs."""
    from cadrage.captions.evaluation.methods import Cagic, GradCam  # noqa: PLC0415
    from cadrage.cli.learned import warn_if_captioner_learned  # noqa: PLC0415

    asked = [guide] if any(isinstance(one, Cagic | GradCam) for one in methods) else []
    if similarity:
        asked.append(guide if speaker is None else speaker)
    for spec in dict.fromkeys(asked):
        warn_if_captioner_learned(spec, part.every, part.images)


def _networks(captioner: str | None, aesthetics: str, threads: int | None, *, allow_pickle: bool) -> Networks:
    try:
        from cadrage.captions.cropper import use_threads  # noqa: PLC0415
        from cadrage.captions.evaluation.methods import Networks  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Cropping by captions", "caption") from None
    from cadrage.threads import available_cpus  # noqa: PLC0415

    use_threads(threads or available_cpus())
    judge = None if aesthetics == "none" else aesthetics
    return Networks(captioner, judge, allow_pickle=allow_pickle)


def _search_seeds(first: int, count: int) -> list[int]:
    """The seeds of the searches; one that no search takes is refused before any work."""
    from cadrage.captions.search.descent import SearchConfig  # noqa: PLC0415

    SearchConfig(seed=first + count - 1)
    return [first + number for number in range(count)]


def _specs(methods: Sequence[str] | None, ablations: Sequence[str] | None) -> list[str]:
    from cadrage.captions.evaluation.methods import ABLATIONS, USUAL  # noqa: PLC0415

    specs = list(methods or ())
    for name in ablations or ():
        if name not in ABLATIONS:
            raise RequestError(f"--ablation is {', '.join(ABLATIONS)}; got '{name}'.")
        specs += ABLATIONS[name]
    return list(dict.fromkeys(specs or USUAL))


def _methods(specs: Sequence[str], networks: Networks, threads: int | None) -> list[CropMethod]:
    """The methods, all made before the first is asked."""
    from cadrage.captions.evaluation.methods import make_method  # noqa: PLC0415

    return [make_method(spec, networks, threads=threads) for spec in specs]


def _describer(
    networks: Networks, speaker: str | None, threads: int | None, *, allow_pickle: bool
) -> _Describer:
    own = networks if speaker is None else _networks(speaker, "none", threads, allow_pickle=allow_pickle)
    return _Describer(own.captioner, own.version)


def _similarity_options(embedding: str | None, meteor_jar: Path | None) -> SimilarityOptions:
    """The options; a network or program that was named and cannot be used is refused before any work."""
    from cadrage.captions.similarity.measures import SimilarityOptions  # noqa: PLC0415
    from cadrage.captions.similarity.meteor import Meteor  # noqa: PLC0415

    if embedding is not None:
        from cadrage.captions.similarity.embedding import Embedder  # noqa: PLC0415

        Embedder.load(embedding)
    if meteor_jar is not None:
        Meteor.find(meteor_jar)
    return SimilarityOptions(embedding, meteor_jar)


def _run(
    measured: _Measured,
    methods: Sequence[CropMethod],
    folder: Path,
    describer: _Describer | None,
    options: SimilarityOptions | None,
) -> None:
    """Measure one method after the other; what is measured stays in ``measured`` if a later one is stopped."""
    from cadrage.captions.evaluation.answering import RunFile, asked, measure, measures_of  # noqa: PLC0415
    from cadrage.captions.evaluation.summary import summarise  # noqa: PLC0415

    total = sum(len(list(asked(one, measured.cases, measured.seeds))) for one in methods)
    speaker, version = (describer.captioner, describer.version) if describer else (None, "")
    with Progress("measuring", total) as progress:
        for method in methods:
            with RunFile(folder, method, version) as file:
                answers = measure(
                    method, measured.cases, measured.seeds, file, speaker=speaker, advance=progress.advance
                )
            seeds = measured.seeds if method.is_seeded else measured.seeds[:1]
            figures = measures_of(measured.cases, seeds, answers)
            similar = _similar(measured, answers, options) if options else ()
            measured.answers[method.name] = answers
            measured.summaries[method.name] = summarise(figures, similar)
            measured.notes.update(
                dict.fromkeys(f"{one.name} is not available: {one.reason}" for one in similar if one.reason)
            )


def _similar(measured: _Measured, answers: Records, options: SimilarityOptions) -> Sequence[Similarity]:
    from cadrage.captions.evaluation.answering import key_of  # noqa: PLC0415
    from cadrage.captions.similarity.measures import similarities  # noqa: PLC0415

    said = [answers[key_of(case, measured.seeds[0])].said or "" for case in measured.cases]
    return similarities(said, [[case.caption] for case in measured.cases], options)


def _tell(heading: Sequence[str], measured: _Measured, report: Path | None, *, as_json: bool) -> None:
    from cadrage.captions.evaluation.tables import header, markdown, rows  # noqa: PLC0415

    command = shlex.join(["cadrage", *sys.argv[1:]])
    notes = list(measured.notes)
    if as_json:
        found: Mapping[str, object] = {
            "command": command,
            "about": heading,
            "cases": len(measured.cases),
            "methods": {name: one.to_dict() for name, one in measured.summaries.items()},
            "notes": notes,
        }
        print(json.dumps(found, ensure_ascii=False))
    else:
        for line in heading:
            print(line)
        table = Rows(*header(measured.summaries))
        for cells in rows(measured.summaries):
            table.add(*cells)
        table.finish()
        for note in notes:
            print(note)
    if report is not None:
        text = markdown([*heading, f"made by `{command}`"], measured.summaries, notes)
        try:
            with replacing(report) as part:
                part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{report} cannot be written: {error.strerror}.") from error


def _write_study(folder: Path, measured: _Measured, *, quiet: bool) -> None:
    from cadrage.captions.evaluation.study_files import write_study_files  # noqa: PLC0415

    written, left_out = write_study_files(folder, measured.cases, measured.answers, measured.seeds[0])
    for path in () if quiet else written:
        print(f"Wrote {path}")
    if left_out:
        complain(f"A study shows a photograph once: {left_out} further cases are not in {folder}.")
