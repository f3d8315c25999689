/** Room for several pictures, none of which may seem larger than another. */

/** No picture is shown larger than this many times its own pixels: enlarging blurs, and blur sways the choice. */
const LARGEST_ZOOM = 2;

/** Pixels of a picture's side, about, below which it is not worth looking at: rather, the page scrolls. */
const SMALLEST = 90;

/**
 * Lay pictures out in rows, as large as all of them can be.
 *
 * @param {{width: number, height: number}[]} pictures in pixels of their own
 * @param {{width: number, height: number}} room
 * @param {{sizes: "area"|"height", gap: number, label: number}} rule whether the pictures get equal areas or equal
 *     heights; pixels between them, and below each for its label
 * @returns {{rows: number[][], sizes: {width: number, height: number}[]}} places of the pictures, row by row, and
 *     the size of each
 */
export function arrange(pictures, room, { sizes, gap, label }) {
  const units = pictures.map(({ width, height }) => {
    const ratio = width / height;
    return sizes === "area"
      ? { width: Math.sqrt(ratio), height: 1 / Math.sqrt(ratio) }
      : { width: ratio, height: 1 };
  });
  const most = Math.min(...pictures.map(({ height }, place) => (LARGEST_ZOOM * height) / units[place].height));
  let best = { rows: evenly(pictures.length, pictures.length), scale: Math.min(most, SMALLEST) };
  for (let number = 1; number <= pictures.length; number += 1) {
    const rows = evenly(pictures.length, number);
    const scale = Math.min(most, scaleOf(rows, units, room, gap, label));
    if (scale > best.scale) best = { rows, scale };
  }
  const { rows, scale } = best;
  return { rows, sizes: units.map(({ width, height }) => ({ width: width * scale, height: height * scale })) };
}

/** How large units can be in these rows. */
function scaleOf(rows, units, room, gap, label) {
  const across = rows.map(
    (row) => (room.width - gap * (row.length - 1)) / row.reduce((sum, place) => sum + units[place].width, 0),
  );
  const high = rows.reduce((sum, row) => sum + Math.max(...row.map((place) => units[place].height)), 0);
  const down = (room.height - gap * (rows.length - 1) - label * rows.length) / high;
  return Math.min(...across, down);
}

/** Rows of as nearly equal numbers as can be. */
function evenly(count, rows) {
  const places = Array.from({ length: count }, (_, place) => place);
  return Array.from({ length: rows }, (_, row) =>
    places.slice(Math.round((row * count) / rows), Math.round(((row + 1) * count) / rows)),
  );
}
