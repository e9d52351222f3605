// A form the bot opened: text, selects, choices, files. What was typed stays until it was taken.

import { chosenAtFirst, KIND, optionsOf } from "./components.js";
import { avatar } from "./avatar.js";
import { freshId, h, icon, iconButton } from "./dom.js";
import { bytes, several } from "./format.js";
import { markdown } from "./markdown.js";
import { select } from "./select.js";
import { chooseFiles, thumbnail } from "./tray.js";

/** Show a modal; `submit(values)` gives the outcome, and the dialog closes once it was accepted. */
export function openModal(modal, app, submit) {
  const fields = modal.components.map((part) => field(part, app));
  const error = h("p", { class: "modal-error", role: "alert", hidden: true });
  const send = h("button", { type: "submit", class: "button primary" }, "Submit");
  const opener = document.activeElement;
  const dialog = h(
    "dialog",
    { class: "modal", "aria-labelledby": "modal-title" },
    h(
      "form",
      { class: "modal-form", novalidate: true, onsubmit: (event) => finish(event) },
      h("header", {}, avatar(app.store.bot, 32), h("h2", { id: "modal-title" }, modal.title), iconButton("close", "Close", () => dialog.close())),
      h("div", { class: "modal-body" }, fields.map((one) => one.node), error),
      h("footer", {}, h("button", { type: "button", class: "button plain", onclick: () => dialog.close() }, "Cancel"), send),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  fields.find((one) => one.input)?.input.focus();

  async function finish(event) {
    event.preventDefault();
    const wrong = fields.filter((one) => one.check && !one.check());
    if (wrong.length) return wrong[0].input.focus();
    complain(null);
    send.setAttribute("aria-busy", "true");
    const named = fields.filter((one) => one.value);
    const outcome = await submit(Object.fromEntries(named.map((one) => [one.id, one.value()]).filter(([, value]) => value !== undefined)));
    send.removeAttribute("aria-busy");
    if (outcome.failed) return complain("Something went wrong. Try again.");
    if (!outcome.refused) return dialog.close();
    const target = fields.find((one) => one.label && outcome.refused.message.startsWith(`${one.label}:`));
    if (!target) return complain(outcome.refused.message);
    const words = outcome.refused.message.slice(target.label.length + 1).trim();
    target.complain(words[0].toUpperCase() + words.slice(1));
    return target.input.focus();
  }

  function complain(words) {
    error.textContent = words ?? "";
    error.hidden = !words;
  }
}

/** One part of a modal as {node, id, label, input, value(), check(), complain()}; plain text has a node only. */
function field(part, app) {
  if (part.type === KIND.text) return { node: h("div", { class: "modal-text" }, markdown(part.content, app.context)) };
  const component = part.type === KIND.row ? part.components[0] : part.component;
  if (!component) return { node: h("p", {}, `This page cannot show component type ${part.type} yet.`) };
  const label = part.label ?? component.label ?? "";
  const isRequired = component.required !== false && component.type !== KIND.checkbox;
  const ids = { input: freshId("field"), error: freshId("error"), about: freshId("about") };
  const control = build(component, { app, label, ids, isRequired });
  const error = h("p", { class: "field-error", id: ids.error, hidden: true });
  const complain = (words) => {
    error.textContent = words ?? "";
    error.hidden = !words;
    node.classList.toggle("wrong", Boolean(words));
    if (words) control.input.setAttribute("aria-invalid", "true");
    else control.input.removeAttribute("aria-invalid");
  };
  const words = [label, isRequired ? h("span", { class: "required", "aria-hidden": "true", title: "Required" }, "*") : null];
  const about = part.description ? h("p", { class: "field-about", id: ids.about }, part.description) : null;
  const node = control.isGroup
    ? h("fieldset", { class: "field" }, h("legend", {}, words), about, control.node, error)
    : h("div", { class: "field" }, h("label", { htmlFor: ids.input }, words), about, control.node, error);
  const check = () => {
    const fault = control.fault?.() ?? null;
    complain(fault);
    return fault === null;
  };
  return { node, id: component.custom_id, label, input: control.input, value: control.value, check, complain };
}

function build(component, setting) {
  switch (component.type) {
    case KIND.textInput:
      return textInput(component, setting);
    case KIND.fileUpload:
      return fileUpload(component, setting);
    case KIND.radioGroup:
      return group(component, setting, "radio");
    case KIND.checkboxGroup:
      return group(component, setting, "checkbox");
    case KIND.checkbox:
      return checkbox(component, setting);
    default:
      return chooser(component, setting);
  }
}

function textInput(component, { ids, isRequired }) {
  const isLong = component.style === 2;
  const most = component.max_length ?? 4000;
  const count = h("span", { class: "field-count", "aria-hidden": "true" });
  const input = h(isLong ? "textarea" : "input", {
    id: ids.input, rows: isLong ? "4" : null, type: isLong ? null : "text", placeholder: component.placeholder, value: component.value ?? "",
    maxlength: String(most), "aria-required": isRequired ? "true" : null, "aria-describedby": `${ids.about} ${ids.error}`, autocomplete: "off",
    oninput: () => tally(),
  });
  const tally = () => {
    count.textContent = `${input.value.length} / ${most}`;
    count.hidden = input.value.length < most * 0.8 && most > 100;
  };
  tally();
  const fault = () => {
    const { length } = input.value;
    if (length === 0) return isRequired ? "This field is required." : null;
    return length < (component.min_length ?? 0) ? `Write at least ${component.min_length} characters.` : null;
  };
  return { node: h("div", { class: "field-text" }, input, count), input, value: () => input.value, fault };
}

function chooser(component, { app, label, ids, isRequired }) {
  const input = select({
    label, placeholder: component.placeholder || "Make a selection", options: optionsOf(component, app.store),
    minimum: component.min_values ?? (isRequired ? 1 : 0), maximum: component.max_values ?? 1, values: chosenAtFirst(component),
    describedby: `${ids.about} ${ids.error}`,
  });
  input.id = ids.input;
  const least = component.min_values ?? 1;
  const fault = () => (input.values.length < (isRequired ? least : 0) ? `Choose at least ${least}.` : null);
  return { node: input, input, value: () => input.values, fault };
}

function group(component, { ids, isRequired }, type) {
  const name = freshId("group");
  const rows = component.options.map((option, index) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type, name, value: option.value, checked: Boolean(option.default), id: index === 0 ? ids.input : null }),
      h("span", {}, option.label, option.description ? h("small", {}, option.description) : null),
    ),
  );
  const node = h("div", { class: "choices" }, rows);
  const chosen = () => [...node.querySelectorAll("input:checked")].map((one) => one.value);
  const least = component.min_values ?? 1;
  const most = type === "radio" ? 1 : component.max_values ?? component.options.length;
  const fault = () => {
    const count = chosen().length;
    if (count < (isRequired ? least : 0)) return type === "radio" ? "Choose one." : `Choose at least ${least}.`;
    return count > most ? `Choose at most ${most}.` : null;
  };
  const value = () => (type === "radio" ? chosen()[0] : chosen());
  return { node, input: node.querySelector("input"), value, fault, isGroup: true };
}

function checkbox(component, { ids }) {
  const input = h("input", { type: "checkbox", id: ids.input, checked: Boolean(component.default) });
  return { node: h("div", { class: "single-check" }, input), input, value: () => input.checked };
}

function fileUpload(component, { app, ids, label, isRequired }) {
  const least = component.min_values ?? 1;
  const most = component.max_values ?? 1;
  const files = [];
  const list = h("ul", { class: "upload-list" });
  const input = h(
    "button",
    { type: "button", id: ids.input, class: "upload", "aria-label": `${label}: choose files`, "aria-describedby": `${ids.about} ${ids.error}`, onclick: () => chooseFiles(take, { several: most > 1 }) },
    icon("image", 26),
    h("span", {}, h("strong", {}, "Drop files here"), " or choose them"),
    h("small", {}, most > 1 ? `Up to ${several(most, "file")}` : "One file"),
  );
  const node = h("div", { class: "field-upload" }, input, list);

  function take(chosen) {
    const room = Math.max(0, most - files.length);
    files.push(...chosen.slice(0, most === 1 ? 1 : room).map((file) => ({ file, url: URL.createObjectURL(file) })));
    if (most === 1) files.splice(0, files.length - 1);
    draw();
  }

  function draw() {
    list.replaceChildren(
      ...files.map((one, index) => {
        const remove = () => {
          URL.revokeObjectURL(one.url);
          files.splice(index, 1);
          draw();
        };
        return h("li", {}, thumbnail(one.file, one.url), h("span", {}, one.file.name, h("small", {}, bytes(one.file.size))), iconButton("close", `Remove ${one.file.name}`, remove));
      }),
    );
    input.hidden = files.length >= most && most > 1;
  }

  node.addEventListener("dragover", (event) => {
    event.preventDefault();
    input.classList.add("over");
  });
  node.addEventListener("dragleave", () => input.classList.remove("over"));
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    input.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  const fault = () => (files.length < (isRequired ? least : 0) ? `Add at least ${several(least, "file")}.` : null);
  const limit = () => files.find(({ file }) => file.size > (app.current?.upload_limit ?? Infinity));
  return {
    node, input,
    value: () => files.map(({ file }) => ({ blob: file, name: file.name })),
    fault: () => fault() ?? (limit() ? `${limit().file.name} is larger than what may be sent here.` : null),
  };
}
