// Embeds: author, title, text, fields, pictures and footer on a card with the embed's colour.

import { h } from "./dom.js";
import { inline, markdown } from "./markdown.js";
import { mediaPicture, mosaic } from "./media.js";
import { timestamp } from "./format.js";

export function embed(one, context) {
  const image = mediaPicture(one.image, one.image?.description);
  const thumbnail = mediaPicture(one.thumbnail, one.thumbnail?.description);
  const footer = [one.footer?.text, one.timestamp ? timestamp(new Date(one.timestamp)) : null].filter(Boolean);
  const card = h(
    "div",
    { class: "embed" },
    h(
      "div",
      { class: "embed-words" },
      one.author?.name ? h("p", { class: "embed-author" }, one.author.name) : null,
      one.title ? h("p", { class: "embed-title" }, titled(one, context)) : null,
      one.description ? h("div", { class: "embed-text" }, markdown(one.description, context)) : null,
      one.fields?.length ? h("dl", { class: "embed-fields" }, one.fields.map((field) => fieldOf(field, context))) : null,
    ),
    thumbnail ? h("div", { class: "embed-thumbnail" }, mosaic([thumbnail])) : null,
    image ? h("div", { class: "embed-image" }, mosaic([image])) : null,
    footer.length ? h("p", { class: "embed-footer" }, footer.join(" · ")) : null,
  );
  if (one.color) card.style.setProperty("--edge", colour(one.color));
  return card;
}

/** Discord's colours are one number. */
export const colour = (number) => `#${number.toString(16).padStart(6, "0")}`;

function titled(one, context) {
  const words = inline(one.title, context);
  return one.url ? h("a", { href: one.url, target: "_blank", rel: "noopener noreferrer" }, words) : words;
}

function fieldOf(field, context) {
  return h(
    "div",
    { class: field.inline ? "embed-field inline" : "embed-field" },
    h("dt", {}, inline(field.name, context)),
    h("dd", {}, markdown(field.value, context)),
  );
}
