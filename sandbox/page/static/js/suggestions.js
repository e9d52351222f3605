// The list above the composer: commands, choices, suggestions, members. The input keeps the focus; keys move in the list.

import { freshId, h } from "./dom.js";

export class Suggestions {
  #rows = [];
  #active = 0;
  #input = null;

  constructor() {
    this.id = freshId("suggestions");
    this.list = h("div", { role: "listbox", id: this.id, class: "suggestions-list", "aria-label": "Suggestions" });
    this.title = h("div", { class: "suggestions-title" });
    this.node = h("div", { class: "suggestions", hidden: true }, this.title, this.list);
    // Pressing into the list must not take the focus away from the input.
    this.node.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  get isOpen() {
    return !this.node.hidden;
  }

  get hasRows() {
    return this.isOpen && this.#rows.length > 0;
  }

  /**
   * Show `rows` of {label, detail, hint, lead, pick} for `input`; `title` is a node or text, `note` is said where there
   * are no rows, `error` stands out. With `active` -1 nothing is chosen until an arrow key moves into the list.
   */
  show(input, { title, rows = [], note, error, active = 0 }) {
    this.#detach();
    this.#input = input;
    this.#rows = rows;
    this.#active = Math.min(active, rows.length - 1);
    this.title.replaceChildren(...[title, error ? h("p", { class: "suggestions-error", role: "alert" }, error) : null].flat().filter(Boolean));
    this.title.hidden = this.title.childNodes.length === 0;
    this.list.replaceChildren(...rows.map((row, index) => this.#row(row, index)));
    this.list.hidden = rows.length === 0;
    if (rows.length === 0 && note) this.title.append(h("p", { class: "suggestions-note" }, note));
    this.title.hidden = this.title.childNodes.length === 0;
    this.node.hidden = this.title.hidden && rows.length === 0;
    if (input.role === "combobox") input.setAttribute("aria-expanded", String(rows.length > 0));
    if (rows.length) input.setAttribute("aria-controls", this.id);
    this.#mark();
  }

  close() {
    this.node.hidden = true;
    this.#rows = [];
    this.#detach();
  }

  /** True if the key was for the list. */
  key(event) {
    if (!this.hasRows || event.shiftKey || event.isComposing) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const from = this.#active < 0 && step < 0 ? 0 : this.#active;
      this.#active = (from + step + this.#rows.length) % this.#rows.length;
      this.#mark();
    } else if ((event.key === "Enter" || event.key === "Tab") && this.#active >= 0) this.#rows[this.#active].pick();
    else return false;
    event.preventDefault();
    return true;
  }

  #detach() {
    if (this.#input?.role === "combobox") this.#input.setAttribute("aria-expanded", "false");
    this.#input?.removeAttribute("aria-activedescendant");
    this.#input?.removeAttribute("aria-controls");
    this.#input = null;
  }

  #row(row, index) {
    return h(
      "div",
      {
        class: "suggestion", role: "option", id: `${this.id}-${index}`, "aria-selected": "false",
        onclick: () => row.pick(),
        onpointermove: () => {
          if (this.#active === index) return;
          this.#active = index;
          this.#mark(false);
        },
      },
      row.lead ?? null,
      h("span", { class: "suggestion-words" }, h("strong", {}, row.label), row.options ? h("span", { class: "suggestion-options" }, row.options) : null, row.detail ? h("small", {}, row.detail) : null),
      row.hint ? h("span", { class: "suggestion-hint" }, row.hint) : null,
    );
  }

  #mark(scrolls = true) {
    [...this.list.children].forEach((node, index) => {
      const isActive = index === this.#active;
      node.classList.toggle("active", isActive);
      node.setAttribute("aria-selected", String(isActive));
      if (isActive && scrolls) node.scrollIntoView({ block: "nearest" });
    });
    if (this.#active < 0) this.#input?.removeAttribute("aria-activedescendant");
    else if (this.#rows.length) this.#input?.setAttribute("aria-activedescendant", `${this.id}-${this.#active}`);
  }
}
