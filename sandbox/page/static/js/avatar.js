// Faces: an initial on a colour of the account's own, and a drawing for the bot.

import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const SPOTS = [["12.5", "13", "#ff9166"], ["19.5", "13", "#5cc8b4"], ["16", "19.5", "#f2c14e"]];

/** A round picture of a user, hidden from screen readers: the name stands beside it. */
export function avatar(user, size = 40) {
  const node = h("span", { class: `avatar size-${size}`, "aria-hidden": "true" });
  if (user.bot) node.append(mark());
  else {
    node.dataset.hue = String([...user.username].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6);
    node.append((user.name ?? user.username)[0].toUpperCase());
  }
  return node;
}

/** The sandbox's own mark: three lights that overlap. */
export function mark() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  for (const [cx, cy, fill] of SPOTS) {
    const spot = document.createElementNS(SVG, "circle");
    for (const [key, value] of Object.entries({ cx, cy, r: "6.5", fill, "fill-opacity": "0.85" })) spot.setAttribute(key, value);
    svg.append(spot);
  }
  return svg;
}
