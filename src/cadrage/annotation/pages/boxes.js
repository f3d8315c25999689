/**
 * Boxes in frame pixels, and the rules they keep. Whatever is asked for, every function that makes a box gives one
 * within the frame that keeps the rules; its edges are whole pixels.
 *
 * @typedef {[number, number, number, number]} Box x1, y1, x2, y2
 * @typedef {{width: number, height: number, smallest: number, ratio: number|null}} Rules size of the frame, least
 *     side of a box, and its width / height if that is fixed
 */

/** The box between two points, the first of which stays where it is. */
export function between(anchor, point, rules) {
  const right = point.x >= anchor.x;
  const down = point.y >= anchor.y;
  let [width, height] = withRatio(Math.abs(point.x - anchor.x), Math.abs(point.y - anchor.y), rules);
  if (rules.ratio) {
    const across = right ? rules.width - anchor.x : anchor.x;
    const along = down ? rules.height - anchor.y : anchor.y;
    const shrink = Math.min(1, across / width, along / height);
    [width, height] = atLeast(width * shrink, height * shrink, rules);
  }
  const x = right ? anchor.x : anchor.x - width;
  const y = down ? anchor.y : anchor.y - height;
  return placed(x, y, width, height, rules);
}

/** A box one of whose handles ("n", "se", ...) is brought to a point. */
export function resized(box, handle, point, rules) {
  const [x1, y1, x2, y2] = box;
  const moving = {
    x: handle.includes("w") ? x1 : x2,
    y: handle.includes("n") ? y1 : y2,
  };
  const anchor = { x: moving.x === x1 ? x2 : x1, y: moving.y === y1 ? y2 : y1 };
  const reached = {
    x: handle.includes("w") || handle.includes("e") ? point.x : moving.x,
    y: handle.includes("n") || handle.includes("s") ? point.y : moving.y,
  };
  return between(anchor, reached, rules);
}

/** A box moved, its size kept. */
export function moved(box, dx, dy, rules) {
  const [x1, y1, x2, y2] = box;
  return placed(x1 + dx, y1 + dy, x2 - x1, y2 - y1, rules);
}

/** A box made wider and taller by so many pixels, about its centre; with a fixed ratio by the one that is not 0. */
export function grown(box, dx, dy, rules) {
  const [x1, y1, x2, y2] = box;
  let width = x2 - x1 + dx;
  let height = y2 - y1 + dy;
  if (rules.ratio) {
    if (dx !== 0) height = width / rules.ratio;
    else width = height * rules.ratio;
  }
  return centred((x1 + x2) / 2, (y1 + y2) / 2, width, height, rules);
}

/** A box whose sides are made so many times as long, about its centre. */
export function scaled(box, factor, rules) {
  const [x1, y1, x2, y2] = box;
  return centred((x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) * factor, (y2 - y1) * factor, rules);
}

/** The box that somebody without a pointer begins with: the middle of the frame. */
export function middle(rules) {
  const [width, height] = largest(rules);
  return centred(rules.width / 2, rules.height / 2, width * 0.6, height * 0.6, rules);
}

/** The box's width / height in words: the common ratio that it is, or one with two decimals. */
export function ratioName([x1, y1, x2, y2]) {
  const ratio = (x2 - x1) / (y2 - y1);
  const common = [[16, 9], [3, 2], [4, 3], [5, 4], [1, 1], [4, 5], [3, 4], [2, 3], [9, 16]];
  const found = common.find(([width, height]) => Math.abs((ratio * height) / width - 1) < 0.01);
  if (found) return `${found[0]}:${found[1]}`;
  return ratio >= 1 ? `${ratio.toFixed(2)}:1` : `1:${(1 / ratio).toFixed(2)}`;
}

/** The box's part of the frame, 0 to 1. */
export function share([x1, y1, x2, y2], rules) {
  return ((x2 - x1) * (y2 - y1)) / (rules.width * rules.height);
}

function centred(x, y, width, height, rules) {
  const [most, tallest] = largest(rules);
  let size = [Math.min(width, rules.width), Math.min(height, rules.height)];
  if (rules.ratio && width > most) size = [most, tallest];
  const [wide, tall] = atLeast(...size, rules);
  return placed(x - wide / 2, y - tall / 2, wide, tall, rules);
}

/** Width and height of the largest box of the ratio. */
function largest({ width, height, ratio }) {
  if (!ratio) return [width, height];
  return [Math.min(width, height * ratio), Math.min(height, width / ratio)];
}

/** The smallest size of the ratio that covers a width and a height, and is not too small. */
function withRatio(width, height, rules) {
  if (!rules.ratio) return atLeast(width, height, rules);
  const wide = Math.max(width, height * rules.ratio);
  return atLeast(wide, wide / rules.ratio, rules);
}

function atLeast(width, height, { smallest, ratio }) {
  const least = Math.ceil(smallest);
  if (!ratio) return [Math.max(width, least), Math.max(height, least)];
  const wide = Math.max(width, least * Math.max(1, ratio));
  return [wide, wide / ratio];
}

/** A box of a size, as near to the wanted corner as the frame allows, with whole edges. */
function placed(x, y, width, height, rules) {
  const wide = Math.min(Math.round(width), rules.width);
  const tall = Math.min(Math.round(height), rules.height);
  const left = Math.round(Math.min(Math.max(x, 0), rules.width - wide));
  const top = Math.round(Math.min(Math.max(y, 0), rules.height - tall));
  return [left, top, left + wide, top + tall];
}
