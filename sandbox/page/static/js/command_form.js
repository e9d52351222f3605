// A command being filled in, in the composer: required options first, the others by name, checked before it is sent.

import { bounds } from "./checks.js";
import { h } from "./dom.js";
import { OptionField } from "./option_field.js";
import { TYPE } from "./picker.js";

export class CommandForm {
  /** `composer` is {suggestions, send(), cancel(), notice(text)}. */
  constructor(app, composer, channel, leaf) {
    this.app = app;
    this.composer = composer;
    this.channel = channel;
    this.leaf = leaf;
    this.fields = [];
    this.more = h("input", {
      class: "pill-more", type: "text", role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", "aria-label": "Add an option",
      autocomplete: "off", spellcheck: "false", oninput: () => this.#offer(), onfocus: () => this.#offer(), onkeydown: (event) => this.key(event, null),
    });
    this.pills = h("span", { class: "pills" });
    this.node = h(
      "div",
      { class: "command-form", role: "group", "aria-label": `Command ${leaf.path}` },
      h("span", { class: "command-name" }, `/${leaf.path}`),
      this.pills,
      this.more,
    );
    for (const option of leaf.options.filter((one) => one.required)) this.add(option);
    this.#count();
  }

  /** Put the cursor where something is missing, else where an option can be added. */
  focus() {
    const missing = this.fields.find((field) => field.option.required && field.isEmpty);
    if (missing) missing.focus();
    else if (this.#left.length) this.more.focus();
    else (this.fields.at(-1) ?? this.composer.sendButton).focus();
  }

  get #left() {
    return this.leaf.options.filter((option) => !this.fields.some((field) => field.option.name === option.name));
  }

  add(option) {
    const field = new OptionField(this, option);
    this.fields.push(field);
    this.pills.append(field.node);
    this.#count();
    return field;
  }

  remove(field) {
    if (field.option.required) return;
    this.fields = this.fields.filter((one) => one !== field);
    field.node.remove();
    this.#count();
    (this.fields.at(-1) ?? this).focus();
  }

  /** Where to go once a field is filled. */
  next() {
    this.composer.suggestions.close();
    this.focus();
  }

  values({ without } = {}) {
    const filled = this.fields.filter((field) => field !== without && (without === undefined || !field.isFile));
    return Object.fromEntries(filled.map((field) => [field.option.name, field.value]).filter(([, value]) => value !== undefined));
  }

  /** True if all fits; else the first field that does not has the cursor and says why. */
  check() {
    const wrong = this.fields.filter((field) => !field.check());
    wrong[0]?.focus();
    if (wrong[0]) this.suggest(wrong[0]);
    return wrong.length === 0;
  }

  /** Show a refusal at the option it names. */
  refuse(message) {
    const field = this.fields.find((one) => message.startsWith(`${one.option.name}:`));
    if (!field) return this.composer.notice(message);
    const words = message.slice(field.option.name.length + 1).trim();
    field.complain(words[0].toUpperCase() + words.slice(1));
    field.focus();
    return this.suggest(field);
  }

  /** Say above the composer what a field wants and what may be chosen. */
  suggest(field, note = null) {
    const { option } = field;
    const facts = [option.description, bounds(option)].filter(Boolean).join(" ");
    const title = h("p", { class: "suggestions-option" }, h("strong", {}, option.name), h("span", {}, facts));
    const rows = field.fitting().map((choice) => ({ label: choice.name, detail: choice.detail, pick: () => field.pick(choice) }));
    const active = Math.max(0, field.fitting().findIndex((choice) => field.isChosen(choice)));
    const none = field.choices() && !option.autocomplete && rows.length === 0 ? "Nothing fits what was typed." : null;
    this.composer.suggestions.show(field.input, { title, rows, active, error: field.error, note: note ?? none });
  }

  /** Put files into the attachment options: the given one, then empty ones, then ones not added yet. */
  take(files, first = null) {
    const waiting = [...files];
    const free = () => this.fields.find((field) => field.isFile && field.isEmpty);
    const hidden = () => this.#left.find((option) => option.type === TYPE.file);
    let target = first;
    while (waiting.length) {
      const option = hidden();
      target ??= free() ?? (option ? this.add(option) : null);
      if (!target) return this.composer.notice(`/${this.leaf.path} takes no more files.`);
      const file = waiting.shift();
      target.attach(file);
      if (file.size > this.channel.upload_limit) target.complain("This file is larger than what may be sent here.");
      target = null;
    }
    return this.focus();
  }

  key(event, field) {
    const { suggestions } = this.composer;
    if (event.isComposing || suggestions.key(event)) return;
    const input = event.currentTarget;
    const isEmpty = field ? field.isEmpty : input.value === "";
    if (event.key === "Enter") this.composer.send();
    else if (event.key === "Escape") suggestions.isOpen ? suggestions.close() : this.composer.cancel();
    else if (event.key === "Backspace" && isEmpty) this.#back(field);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #back(field) {
    const at = field ? this.fields.indexOf(field) : this.fields.length;
    if (field && !field.option.required) this.remove(field);
    else if (at > 0) this.fields[at - 1].focus();
    else this.composer.cancel();
  }

  #offer() {
    const typed = this.more.value.trim().toLowerCase();
    const rows = this.#left
      .filter((option) => option.name.includes(typed))
      .map((option) => ({
        label: option.name,
        detail: option.description,
        pick: () => {
          this.more.value = "";
          this.add(option).focus();
        },
      }));
    const title = h("p", { class: "suggestions-option" }, h("strong", {}, `/${this.leaf.path}`), h("span", {}, rows.length ? "Options you may add" : this.leaf.description));
    this.composer.suggestions.show(this.more, { title, rows, active: typed ? 0 : -1 });
  }

  #count() {
    const count = this.#left.length;
    this.more.hidden = count === 0 && this.fields.length > 0;
    this.more.placeholder = count ? `+${count} more` : "no options";
  }
}
