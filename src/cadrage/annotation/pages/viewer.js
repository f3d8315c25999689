/** Photographs and crops on the page: whole pictures, moved and clipped; no pixel is cut by the server. */

import { make } from "./elements.js";

/**
 * @typedef {{width: number, height: number}} Size of the photograph's frame, in pixels
 * @typedef {[number, number, number, number]} Box x1, y1, x2, y2 in frame pixels
 */

/**
 * Just the crop, as large as its parent of class `fit` allows.
 *
 * @param {string} url of the whole photograph's picture
 * @param {Size} size
 * @param {Box} box
 * @param {string} [name] what a screen reader calls it
 * @returns {HTMLElement}
 */
export function cropView(url, size, box, name = "Crop") {
  const [x1, y1, x2, y2] = box;
  const image = make("img", { src: url, alt: name, draggable: "false", class: "crop-picture" });
  image.style.width = percent(size.width / (x2 - x1));
  image.style.height = percent(size.height / (y2 - y1));
  image.style.left = percent(-x1 / (x2 - x1));
  image.style.top = percent(-y1 / (y2 - y1));
  const view = make("div", { class: "framed crop-view" }, image, thirds());
  view.style.setProperty("--ratio", (x2 - x1) / (y2 - y1));
  return view;
}

/**
 * The whole photograph, as large as its parent of class `fit` allows.
 *
 * @param {string} url
 * @param {Size} size
 * @param {string} [name] what a screen reader calls it
 * @returns {{element: HTMLElement, image: HTMLImageElement, setBox: (box: Box|null) => void}}
 *     `setBox` marks a place and dims what lies around it
 */
export function photographView(url, size, name = "Photograph") {
  const image = make("img", { src: url, alt: name, draggable: "false" });
  const mark = make("div", { class: "mark", hidden: true });
  const element = make("div", { class: "framed photograph-view" }, image, mark, thirds());
  element.style.setProperty("--ratio", size.width / size.height);
  return {
    element,
    image,
    setBox(box) {
      mark.hidden = box === null;
      if (box === null) return;
      const [x1, y1, x2, y2] = box;
      mark.style.left = percent(x1 / size.width);
      mark.style.top = percent(y1 / size.height);
      mark.style.width = percent((x2 - x1) / size.width);
      mark.style.height = percent((y2 - y1) / size.height);
    },
  };
}

/** Lines at the thirds; seen within anything of class `with-thirds`. */
export function thirds() {
  const lines = ["third-x-1", "third-x-2", "third-y-1", "third-y-2"].map((name) =>
    make("i", { class: name }),
  );
  return make("div", { class: "thirds", "aria-hidden": "true" }, ...lines);
}

function percent(share) {
  return `${share * 100}%`;
}
