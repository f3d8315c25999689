"""The parts of a copy, held against those of the published releases: which one it is, and what mixes two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

Published = Mapping[str, Mapping[str, int]]
"""Images of each part of each release; the part ``""`` is a set without parts."""

UNKNOWN = "unknown"
TWICE = "images in more than one part, as of mixed releases"
MIXED = "parts of different releases"


def in_two_parts(parts: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Names that are in two parts or more, with these parts; sorted.

    Args:
        parts: names of the images of each part.
    """
    among: dict[str, list[str]] = {}
    for part in sorted(parts):
        for name in dict.fromkeys(parts[part]):
            among.setdefault(name, []).append(part)
    return {name: own for name, own in sorted(among.items()) if len(own) > 1}


def same_in_two_parts(parts: Mapping[str, Mapping[str, Path]]) -> dict[str, list[str]]:
    """As ``in_two_parts``, less names that stand for another photograph in each part.

    Args:
        parts: pictures of each part by name. Those of one name are read, and compared byte for byte.
    """
    return {
        name: own
        for name, own in in_two_parts(parts).items()
        if len({sha256(parts[part][name].read_bytes()).digest() for part in own}) < len(own)
    }


def named_with_parts(among: Mapping[str, Sequence[str]]) -> list[str]:
    """Names with their parts, for a message."""
    return [f"{name} ({' and '.join(parts)})" for name, parts in among.items()]


def mixed_releases(parts: Mapping[str, int], published: Published) -> list[str]:
    """The parts that have the numbers of different releases, with these numbers; none if all may be of one.

    Args:
        parts: images of each part. A release that was divided otherwise has its total, and is no mixture.
        published: images of each part of each release.
    """
    releases = {
        part: {release for release, counts in published.items() if counts.get(part) == count}
        for part, count in parts.items()
    }
    known = {part: among for part, among in releases.items() if among}
    is_whole = sum(parts.values()) in {sum(counts.values()) for counts in published.values()}
    if not known or is_whole or set.intersection(*known.values()):
        return []
    return [f"{part} {parts[part]} ({', '.join(sorted(among))})" for part, among in known.items()]


def release_of_parts(parts: Mapping[str, int], published: Published) -> str:
    """The release whose numbers of images these are, all of its parts or some; "unknown" if there is none.

    Args:
        parts: images of each part; of ``""`` where there are none, which then may be the sum of the release's.
        published: images of each part of each release.
    """
    for release, counts in published.items():
        whole = {"": sum(counts.values())}
        if parts == whole or all(counts.get(part) == count for part, count in parts.items()):
            return release
    return UNKNOWN


def missing_images(parts: Mapping[str, int], published: Published) -> tuple[str, ...]:
    """What there should be more, in sentences, as far as it can be told which release is meant.

    Of several releases it is the one with the most parts of the same number; with none, nobody can say.
    """
    if "" in parts and release_of_parts(parts, published) != UNKNOWN:
        return ()
    name = nearest_release(parts, published)
    if name is None or (len(published) > 1 and not _same(parts, published[name])):
        return ()
    return tuple(
        f"{count - parts.get(part, 0)} of {count} images{f' of part {part}' if part else ''} of {name}"
        for part, count in published[name].items()
        if parts.get(part, 0) < count
    )


def other_numbers(parts: Mapping[str, int], published: Published) -> list[str]:
    """Parts that differ from those of the release that has the most parts in common."""
    release = nearest_release(parts, published)
    if release is None or ("" in parts and release_of_parts(parts, published) != UNKNOWN):
        return []
    counts = published[release]
    return [
        f"{part or 'all'} {parts.get(part, 0)}, not {counts.get(part, 0)} as in {release}"
        for part in dict.fromkeys([*counts, *parts])
        if parts.get(part, 0) != counts.get(part, 0)
    ]


def nearest_release(parts: Mapping[str, int], published: Published) -> str | None:
    """The release with the most parts of the same number; ``None`` if none is published."""
    return max(published, key=lambda release: _same(parts, published[release]), default=None)


def _same(parts: Mapping[str, int], counts: Mapping[str, int]) -> int:
    return sum(parts.get(part) == count for part, count in counts.items())
