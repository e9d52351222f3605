// A select: one or several values out of a list that opens below it. Used in messages and in forms.

import { freshId, h, icon } from "./dom.js";
import { float } from "./popover.js";

/**
 * A select as an element with `.values`. `options` are {value, label, description, emoji}; `onchange` hears the values
 * once the list closes with others than before.
 */
export function select({ label, placeholder, options, minimum, maximum, values, disabled, onchange, describedby }) {
  let chosen = new Set(values);
  let close = null;
  let active = 0;
  const several = maximum > 1;
  const words = h("span", { class: "select-words" });
  const listId = freshId("list");
  const button = h(
    "button",
    {
      type: "button", class: "select", role: "combobox", "aria-haspopup": "listbox", "aria-expanded": "false",
      "aria-label": label, "aria-describedby": describedby, "aria-controls": listId, disabled, onclick: toggle, onkeydown: keys,
    },
    words,
    icon("down", 18),
  );
  Object.defineProperty(button, "values", { get: () => options.filter((one) => chosen.has(one.value)).map((one) => one.value) });
  show();
  return button;

  function show() {
    const picked = options.filter((one) => chosen.has(one.value));
    words.textContent = picked.length ? picked.map((one) => one.label).join(", ") : placeholder;
    words.classList.toggle("empty", picked.length === 0);
  }

  function toggle() {
    if (close) close();
    else open();
  }

  function open() {
    const before = button.values.join("\n");
    active = Math.max(0, options.findIndex((one) => chosen.has(one.value)));
    const list = h(
      "div",
      { class: "listbox", role: "listbox", id: listId, "aria-label": label, "aria-multiselectable": several ? "true" : null },
      options.map((option, index) => row(option, index)),
      options.length === 0 ? h("p", { class: "empty-list" }, "Nothing to choose from.") : null,
    );
    button.setAttribute("aria-expanded", "true");
    close = float(list, button, {
      matchWidth: true,
      onclose: () => {
        close = null;
        button.setAttribute("aria-expanded", "false");
        button.removeAttribute("aria-activedescendant");
        if (button.values.join("\n") !== before) onchange?.(button.values);
      },
    });
    mark();
  }

  function row(option, index) {
    return h(
      "div",
      {
        class: "option", role: "option", id: `${listId}-${index}`, "aria-selected": String(chosen.has(option.value)),
        onclick: () => pick(index), onpointermove: () => move(index),
      },
      several ? h("span", { class: "tick" }, icon("check", 14)) : null,
      option.emoji?.name ? h("span", { class: "emoji", "aria-hidden": "true" }, option.emoji.name) : null,
      h("span", { class: "option-words" }, option.label, option.description ? h("small", {}, option.description) : null),
      several ? null : h("span", { class: "tick-single" }, icon("check", 16)),
    );
  }

  function pick(index) {
    const { value } = options[index];
    if (!several) {
      chosen = minimum === 0 && chosen.has(value) ? new Set() : new Set([value]);
      show();
      close();
      button.focus();
      return;
    }
    if (chosen.has(value)) chosen.delete(value);
    else if (chosen.size < maximum) chosen.add(value);
    show();
    mark();
  }

  function move(index) {
    active = index;
    mark();
  }

  function mark() {
    const rows = document.getElementById(listId)?.querySelectorAll("[role=option]") ?? [];
    rows.forEach((one, index) => {
      one.classList.toggle("active", index === active);
      one.setAttribute("aria-selected", String(chosen.has(options[index].value)));
      if (several) one.classList.toggle("full", chosen.size >= maximum && !chosen.has(options[index].value));
    });
    button.setAttribute("aria-activedescendant", `${listId}-${active}`);
    rows[active]?.scrollIntoView({ block: "nearest" });
  }

  function keys(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!close) {
      if (step) open();
      else return;
    } else if (step) move((active + step + options.length) % options.length);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(options.length - 1);
    else if (event.key === "Enter" || event.key === " ") pick(active);
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    if (event.key !== "Tab") event.preventDefault();
    if (event.key === "Escape") event.stopPropagation();
  }
}
