// Components of messages, old and new: rows of buttons and selects, sections, galleries, containers.

import { h, icon } from "./dom.js";
import { colour } from "./embed.js";
import { markdown } from "./markdown.js";
import { fileCard, mediaPicture, mosaic } from "./media.js";
import { select } from "./select.js";

export const KIND = {
  row: 1, button: 2, stringSelect: 3, textInput: 4, userSelect: 5, roleSelect: 6, mentionableSelect: 7, channelSelect: 8,
  section: 9, text: 10, thumbnail: 11, gallery: 12, file: 13, separator: 14, container: 17, label: 18, fileUpload: 19,
  radioGroup: 21, checkboxGroup: 22, checkbox: 23,
};
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary", 6: "secondary" };

/**
 * The elements of a message's components. `context` renders words; `use` is {press(button), select(menu, values)},
 * each a promise that ends with the answer.
 */
export function components(list, context, use, store) {
  return list.map((one) => component(one, context, use, store));
}

function component(one, context, use, store) {
  const nested = (parts) => parts.map((part) => component(part, context, use, store));
  switch (one.type) {
    case KIND.row:
      return h("div", { class: "row" }, nested(one.components));
    case KIND.button:
      return button(one, use);
    case KIND.stringSelect:
    case KIND.userSelect:
    case KIND.roleSelect:
    case KIND.mentionableSelect:
    case KIND.channelSelect:
      return menu(one, use, store);
    case KIND.section:
      return h("div", { class: "section" }, h("div", { class: "section-words" }, nested(one.components)), nested([one.accessory]));
    case KIND.text:
      return h("div", { class: "text-display" }, markdown(one.content, context));
    case KIND.thumbnail:
      return pictures([mediaPicture(one.media, one.description, one.spoiler)], "thumbnail");
    case KIND.gallery:
      return pictures(one.items.map((item) => mediaPicture(item.media, item.description, item.spoiler)), "gallery");
    case KIND.file:
      return fileCard({ url: one.file.url, name: one.name, size: one.size });
    case KIND.separator:
      return h("hr", { class: one.spacing === 2 ? "separator large" : "separator", data: { line: String(one.divider !== false) } });
    case KIND.container:
      return container(one, nested(one.components));
    default:
      return h("p", { class: "unknown-component" }, `This page cannot show component type ${one.type} yet.`);
  }
}

function pictures(list, kind) {
  const here = list.filter(Boolean);
  return here.length ? h("div", { class: kind }, mosaic(here)) : h("p", { class: "unknown-component" }, "A picture from elsewhere.");
}

function container(one, children) {
  const node = h("div", { class: "container" }, children);
  if (typeof one.accent_color === "number") node.style.setProperty("--edge", colour(one.accent_color));
  return node;
}

function button(one, use) {
  const words = [emoji(one.emoji), one.label ? h("span", {}, one.label) : null];
  const label = one.label ? null : `Button ${one.emoji?.name ?? ""}`;
  if (one.style === 5) {
    const props = { class: "button secondary", href: one.url, target: "_blank", rel: "noopener noreferrer", "aria-label": label };
    return h("a", props, words, icon("open", 14));
  }
  const node = h(
    "button",
    {
      type: "button", class: `button ${STYLES[one.style]}`, disabled: one.disabled || one.style === 6, "aria-label": label,
      data: { key: one.custom_id },
      onclick: () => busy(node, use.press(one)),
    },
    words,
  );
  return node;
}

export function emoji(one) {
  return one?.name ? h("span", { class: "emoji", "aria-hidden": "true" }, one.id ? `:${one.name}:` : one.name) : null;
}

/** Show that an answer is awaited; the button keeps its place and its focus. */
async function busy(node, answer) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  await answer;
  node.removeAttribute("aria-busy");
}

function menu(one, use, store) {
  const node = select({
    label: one.placeholder || "Make a selection",
    placeholder: one.placeholder || "Make a selection",
    options: optionsOf(one, store),
    minimum: one.min_values ?? 1,
    maximum: one.max_values ?? 1,
    values: chosenAtFirst(one),
    disabled: one.disabled,
    onchange: (values) => {
      if (values.length >= (one.min_values ?? 1)) busy(node, use.select(one, values));
    },
  });
  node.dataset.key = one.custom_id;
  return node;
}

/** What a select opens with. */
export function chosenAtFirst(one) {
  const marked = (one.options ?? []).filter((option) => option.default).map((option) => option.value);
  return [...marked, ...(one.default_values ?? []).map((value) => value.id)];
}

/** What a select offers: its own options, or the users, roles or channels there are. */
export function optionsOf(one, store) {
  const users = () => [...store.users.values()].map((user) => ({ value: user.id, label: user.name, description: user.username }));
  const roles = () => [...store.roles.values()].map((role) => ({ value: role.id, label: `@${role.name}` }));
  switch (one.type) {
    case KIND.userSelect:
      return users();
    case KIND.roleSelect:
      return roles();
    case KIND.mentionableSelect:
      return [...users(), ...roles()];
    case KIND.channelSelect:
      return [...store.channels.values()]
        .filter((channel) => channel.kind !== "dm")
        .filter((channel) => !one.channel_types?.length || one.channel_types.includes(channel.kind === "thread" ? 11 : 0))
        .map((channel) => ({ value: channel.id, label: `#${channel.name}` }));
    default:
      return one.options ?? [];
  }
}
