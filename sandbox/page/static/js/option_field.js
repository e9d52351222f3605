// One option of a command being filled in: a label and an input of its type.

import { fault } from "./checks.js";
import { act } from "./api.js";
import { freshId, h, iconButton } from "./dom.js";
import { TYPE } from "./picker.js";
import { chooseFiles, thumbnail } from "./tray.js";

const PAUSE_MS = 120;

export class OptionField {
  #chosen = null;
  #file = null;
  #url = null;
  #asked = 0;
  #timer = null;
  #suggested = [];

  /** `form` is {suggest(field, rows), next(field), remove(field), values(), leaf, app, channel}. */
  constructor(form, option) {
    this.form = form;
    this.option = option;
    this.error = null;
    const id = freshId("option");
    this.input = this.isFile ? this.#fileButton(id) : this.#textInput(id);
    this.name = h("label", { class: "pill-name", htmlFor: id }, option.name);
    this.node = h("span", { class: "pill", data: { option: option.name } }, this.name, this.input);
  }

  get isFile() {
    return this.option.type === TYPE.file;
  }

  get isEmpty() {
    return this.isFile ? this.#file === null : this.#text === "";
  }

  get #text() {
    return this.input.value.trim();
  }

  /** What is sent: a choice's value, an id, a file, or the text itself. */
  get value() {
    if (this.isFile) return this.#file ? { blob: this.#file, name: this.#file.name } : undefined;
    const chosen = this.#chosen ?? this.#named();
    return chosen ? chosen.value : this.#text || undefined;
  }

  focus() {
    this.input.focus();
  }

  /** Look whether it fits, and show it. */
  check() {
    const text = this.isFile ? (this.#file ? "file" : "") : this.#text;
    this.complain(fault(this.option, text));
    return this.error === null;
  }

  complain(error) {
    this.error = error;
    this.node.classList.toggle("wrong", error !== null);
    if (error) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  /** What may be chosen, as {name, value, detail}; null for free text. */
  choices() {
    const { option, form } = this;
    const { store } = form.app;
    const users = () => [...store.users.values()].map((user) => ({ name: user.name, value: user.id, detail: user.username }));
    const roles = () => [...store.roles.values()].map((role) => ({ name: `@${role.name}`, value: role.id }));
    if (option.choices) return option.choices;
    switch (option.type) {
      case TYPE.boolean:
        return [{ name: "True", value: true }, { name: "False", value: false }];
      case TYPE.user:
        return users();
      case TYPE.role:
        return roles();
      case TYPE.mentionable:
        return [...users(), ...roles()];
      case TYPE.channel:
        return [...store.channels.values()]
          .filter((one) => one.kind !== "dm")
          .filter((one) => !option.channel_types?.length || option.channel_types.includes(one.kind === "thread" ? 11 : 0))
          .map((one) => ({ name: `#${one.name}`, value: one.id }));
      default:
        return option.autocomplete ? this.#suggested : null;
    }
  }

  /** Choices that fit what was typed. */
  fitting() {
    const all = this.choices() ?? [];
    if (this.option.autocomplete || this.#chosen) return all;
    const typed = this.#text.toLowerCase();
    return all.filter((one) => one.name.toLowerCase().includes(typed));
  }

  pick(choice) {
    this.#chosen = choice;
    this.input.value = choice.name;
    this.complain(null);
    this.form.next(this);
  }

  isChosen(choice) {
    return this.#chosen !== null && this.#chosen.value === choice.value;
  }

  /** Take a file; a picture shows itself. */
  attach(file) {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#file = file;
    this.#url = file ? URL.createObjectURL(file) : null;
    this.input.replaceChildren(...(file ? [thumbnail(file, this.#url), h("span", { class: "pill-file" }, file.name)] : [h("span", {}, "Choose a file")]));
    this.node.querySelector(".pill-clear")?.remove();
    if (file) this.node.append(iconButton("close", `Take ${file.name} away`, () => this.attach(null), { class: "icon-button pill-clear" }));
    this.complain(null);
  }

  #named() {
    const typed = this.#text.toLowerCase();
    return this.option.autocomplete ? null : (this.choices() ?? []).find((one) => one.name.toLowerCase() === typed) ?? null;
  }

  #textInput(id) {
    const isLong = this.option.type === TYPE.string && !this.option.choices && !this.option.autocomplete;
    const numeric = this.option.type === TYPE.integer ? "numeric" : this.option.type === TYPE.number ? "decimal" : null;
    return h(isLong ? "textarea" : "input", {
      id, class: "pill-input", rows: isLong ? "1" : null, type: isLong ? null : "text", autocomplete: "off", spellcheck: isLong ? "true" : "false",
      inputmode: numeric, role: isLong ? null : "combobox", "aria-expanded": isLong ? null : "false", "aria-autocomplete": isLong ? null : "list",
      "aria-required": this.option.required ? "true" : null, "aria-description": this.option.description,
      oninput: () => this.#typed(), onfocus: () => this.#focused(), onblur: () => this.#left(), onkeydown: (event) => this.form.key(event, this),
    });
  }

  #fileButton(id) {
    return h(
      "button",
      {
        type: "button", id, class: "pill-input pill-attach", "aria-description": this.option.description,
        onclick: () => chooseFiles(([file]) => file && this.form.take([file], this), { several: false }),
        onfocus: () => this.form.suggest(this), onkeydown: (event) => event.key !== "Enter" && this.form.key(event, this),
      },
      h("span", {}, "Choose a file"),
    );
  }

  #typed() {
    this.#chosen = null;
    if (this.input.value.includes("\n")) this.input.value = this.input.value.replace(/\n+/g, " ");
    if (this.error) this.check();
    if (this.option.autocomplete) this.#ask();
    this.form.suggest(this);
  }

  #focused() {
    if (this.option.autocomplete) this.#ask();
    this.form.suggest(this);
  }

  #left() {
    if (!this.isEmpty) this.check();
  }

  /** Ask the bot for suggestions, once typing pauses; only the newest answer counts. */
  #ask() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const turn = (this.#asked += 1);
      const { app, leaf, channel } = this.form;
      const options = this.form.values({ without: this });
      const answer = await act(app.member, "autocomplete", { command: leaf.path, option: this.option.name, typed: this.#text, options, channel: channel.id });
      if (turn !== this.#asked) return;
      this.#suggested = answer.choices ?? [];
      if (document.activeElement === this.input) this.form.suggest(this, answer.choices ? null : answer.failed ?? answer.refused?.message);
    }, PAUSE_MS);
  }
}
