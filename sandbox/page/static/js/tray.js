// Files waiting to be sent with a message: thumbnails with an alt text, a spoiler switch and a way out.

import { h, iconButton } from "./dom.js";
import { bytes, several } from "./format.js";

export class Tray {
  #files = [];

  constructor(app) {
    this.app = app;
    this.node = h("ul", { class: "tray", "aria-label": "Files to send", hidden: true });
  }

  get count() {
    return this.#files.length;
  }

  /** The files as an act takes them. */
  get payload() {
    return this.#files.map(({ file, description, spoiler }) => ({ blob: file, name: `${spoiler ? "SPOILER_" : ""}${file.name}`, description }));
  }

  /** Add files; gives a sentence if some did not fit. */
  add(files, limit) {
    const most = this.app.store.limits.files;
    const large = files.filter((file) => file.size > limit);
    const room = most - this.#files.length;
    const taken = files.filter((file) => file.size <= limit).slice(0, room);
    this.#files.push(...taken.map((file) => ({ file, description: "", spoiler: false, url: URL.createObjectURL(file) })));
    this.#draw();
    if (large.length) return `${large[0].name} is larger than ${bytes(limit)}, which is what may be sent here.`;
    return files.length > room ? `A message takes ${several(most, "file")}.` : null;
  }

  clear() {
    for (const { url } of this.#files) URL.revokeObjectURL(url);
    this.#files = [];
    this.#draw();
  }

  #draw() {
    this.node.hidden = this.#files.length === 0;
    this.node.replaceChildren(...this.#files.map((one, index) => this.#card(one, index)));
  }

  #card(one, index) {
    const remove = () => {
      URL.revokeObjectURL(one.url);
      this.#files.splice(index, 1);
      this.#draw();
    };
    const hide = iconButton("eye", "Mark as spoiler", () => {
      one.spoiler = !one.spoiler;
      this.#draw();
    }, { "aria-pressed": String(one.spoiler) });
    return h(
      "li",
      { class: one.spoiler ? "tray-card hidden-picture" : "tray-card" },
      thumbnail(one.file, one.url),
      h("div", { class: "tray-tools" }, hide, iconButton("trash", `Remove ${one.file.name}`, remove)),
      h("span", { class: "tray-name" }, one.file.name),
      h("input", {
        class: "tray-alt", type: "text", placeholder: "Describe it (alt text)", "aria-label": `Alt text of ${one.file.name}`, value: one.description,
        maxlength: String(this.app.store.limits.alt_text), oninput: (event) => (one.description = event.target.value),
      }),
    );
  }
}

/** A small picture of a file, or its ending. */
export function thumbnail(file, url) {
  if (file.type.startsWith("image/")) return h("img", { class: "thumb", src: url, alt: "" });
  return h("span", { class: "thumb ending", "aria-hidden": "true" }, file.name.split(".").at(-1).slice(0, 4).toUpperCase());
}

/** Let somebody choose files; calls `take` with them. */
export function chooseFiles(take, { several: many = true, accept = "" } = {}) {
  const input = h("input", { type: "file", multiple: many, accept, hidden: true });
  input.addEventListener("change", () => {
    take([...input.files]);
    input.remove();
  });
  input.addEventListener("cancel", () => input.remove());
  document.body.append(input);
  input.click();
}
