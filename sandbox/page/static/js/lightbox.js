// One picture as large as the window lets it, with its alt text below; arrow keys walk through a message's pictures.

import { h, icon, iconButton } from "./dom.js";
import { bytes } from "./format.js";

/** Open `pictures[index]`; the focus goes back to `opener` afterwards. */
export function openLightbox(pictures, index, opener) {
  const stage = h("div", { class: "lightbox-stage" });
  const caption = h("figcaption", { class: "lightbox-caption" });
  const dialog = h(
    "dialog",
    { class: "lightbox", "aria-label": "Picture" },
    h("figure", {}, stage, caption),
    iconButton("close", "Close", () => dialog.close(), { class: "icon-button lightbox-close" }),
  );
  if (pictures.length > 1) {
    dialog.append(
      iconButton("back", "Previous picture", () => step(-1), { class: "icon-button lightbox-back" }),
      iconButton("next", "Next picture", () => step(1), { class: "icon-button lightbox-next" }),
    );
  }

  function step(by) {
    index = (index + by + pictures.length) % pictures.length;
    show();
  }

  function show() {
    const one = pictures[index];
    const image = h("img", { src: one.url, alt: one.alt, width: one.width, height: one.height });
    // Small pictures are shown at twice or thrice their size, never blown up to the whole window.
    if (one.width) image.style.width = `min(${Math.max(one.width, Math.min(one.width * 3, 768))}px, 100%)`;
    stage.replaceChildren(image);
    const facts = [one.name, one.width ? `${one.width} × ${one.height}` : null, one.size ? bytes(one.size) : null];
    const place = pictures.length > 1 ? `${index + 1} of ${pictures.length}` : null;
    caption.replaceChildren(
      h("p", { class: one.alt ? "lightbox-alt" : "lightbox-alt none" }, one.alt || "No description was given."),
      h("p", { class: "lightbox-facts" }, [place, ...facts].filter(Boolean).join(" · ")),
      h(
        "p",
        { class: "lightbox-links" },
        h("a", { href: one.url, target: "_blank", rel: "noopener" }, icon("open", 16), "Open original"),
        h("a", { href: one.url, download: one.name }, icon("download", 16), "Save"),
      ),
    );
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === stage) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus({ preventScroll: true });
  });
  show();
  document.body.append(dialog);
  dialog.showModal();
}
