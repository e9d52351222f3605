// Files of a message: pictures that open large, anything else as a card with a link.

import { h, icon } from "./dom.js";
import { bytes } from "./format.js";
import { openLightbox } from "./lightbox.js";

const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;

/** What the lightbox and the mosaic need to know of an attachment. */
export function picture(file) {
  return {
    url: file.url, name: file.filename, alt: file.description ?? "", width: file.width, height: file.height, size: file.size,
    spoiler: Boolean(file.flags & 32) || (file.filename ?? "").startsWith("SPOILER_"),
  };
}

/** A message's attachments. */
export function attachments(files) {
  const pictures = files.filter((file) => PICTURE.test(file.content_type ?? "") && file.width).map(picture);
  const others = files.filter((file) => !(PICTURE.test(file.content_type ?? "") && file.width));
  return [pictures.length ? mosaic(pictures) : null, others.map(fileCard)];
}

/** Pictures side by side; one alone keeps its shape. */
export function mosaic(pictures) {
  return h(
    "div",
    { class: "mosaic", data: { count: String(Math.min(pictures.length, 10)) } },
    pictures.map((one, index) => tile(one, pictures, index, pictures.length === 1)),
  );
}

function tile(one, all, index, isAlone) {
  const label = one.alt ? `Open picture: ${one.alt}` : `Open picture ${one.name}`;
  const image = h("img", { src: one.url, alt: one.alt, width: one.width, height: one.height, loading: "lazy", decoding: "async" });
  if (isAlone && one.width) image.style.aspectRatio = `${one.width} / ${one.height}`;
  if (isAlone && one.width) image.style.width = `${shownWidth(one)}px`;
  const open = () => {
    if (button.classList.contains("hidden-picture")) {
      button.classList.remove("hidden-picture");
      button.setAttribute("aria-label", label);
      return;
    }
    openLightbox(all, index, button);
  };
  const button = h(
    "button",
    { type: "button", class: "picture", "aria-label": one.spoiler ? "Spoiler picture, press to show" : label, onclick: open },
    image,
    one.alt ? h("span", { class: "alt-badge", "aria-hidden": "true", title: one.alt }, "ALT") : null,
    one.spoiler ? h("span", { class: "spoiler-badge", "aria-hidden": "true" }, "Spoiler") : null,
  );
  if (one.spoiler) button.classList.add("hidden-picture");
  return button;
}

const WIDEST = 460;
const TALLEST = 380;
const SMALLEST = 256;

/** CSS pixels: whole pictures within the widest and tallest, and very small ones large enough to look at. */
function shownWidth({ width, height }) {
  const scale = Math.min(WIDEST / width, TALLEST / height, Math.max(1, SMALLEST / Math.max(width, height)));
  return Math.round(width * scale);
}

/** A file that is no picture. */
export function fileCard(file) {
  return h(
    "a",
    { class: "file-card", href: file.url, download: file.filename ?? file.name, target: "_blank", rel: "noopener" },
    icon("file", 28),
    h("span", {}, h("strong", {}, file.filename ?? file.name ?? "file"), h("small", {}, file.size ? bytes(file.size) : "")),
  );
}

/** Media of embeds and components: only what lies here is shown, since the page loads nothing from elsewhere. */
export function mediaPicture(media, description, spoiler) {
  if (!media?.url?.startsWith("/")) return null;
  const name = decodeURIComponent(media.url.split("/").at(-1));
  return { url: media.url, name, alt: description ?? "", width: media.width, height: media.height, spoiler: Boolean(spoiler) };
}
