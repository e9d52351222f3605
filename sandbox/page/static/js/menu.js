// A menu of actions: arrow keys, first letters, Escape. Opened by a button, a right click or the context-menu key.

import { h, icon } from "./dom.js";
import { float } from "./popover.js";

/** Open a menu. `items` are {label, icon, run, danger} or {heading}; `anchor` an element or {x, y}. */
export function openMenu(anchor, label, items, options) {
  const rows = items.map((item) => (item.heading ? heading(item) : row(item)));
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label }, rows);
  const close = float(menu, anchor, options);
  const buttons = () => [...menu.querySelectorAll("[role=menuitem]")];

  function heading(item) {
    return h("div", { class: "menu-heading", role: "presentation" }, item.heading);
  }

  function row(item) {
    const run = () => {
      close();
      item.run();
    };
    const classes = item.danger ? "menu-item danger" : "menu-item";
    return h(
      "button",
      { type: "button", class: classes, role: "menuitem", tabindex: "-1", onclick: run },
      item.icon ? icon(item.icon, 18) : item.badge,
      h("span", {}, item.label, item.detail ? h("small", {}, item.detail) : null),
      item.checked ? icon("check", 18) : null,
    );
  }

  menu.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") close();
    else if (to !== undefined) all.at(to % all.length)?.focus();
    else if (event.key.length === 1 && event.key !== " ") letter(all, at, event.key.toLowerCase());
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  buttons()[0]?.focus({ preventScroll: true });
  return close;
}

function letter(all, at, key) {
  const turned = [...all.slice(at + 1), ...all.slice(0, at + 1)];
  turned.find((one) => one.textContent.trim().toLowerCase().startsWith(key))?.focus();
}
