// Where one writes: text, replies, edits, files; a slash opens the commands, an @ the members.

import { avatar } from "./avatar.js";
import { act } from "./api.js";
import { CommandForm } from "./command_form.js";
import { h, icon, iconButton } from "./dom.js";
import { openMenu } from "./menu.js";
import { COMMAND, commandRows, leaves } from "./picker.js";
import { Suggestions } from "./suggestions.js";
import { chooseFiles, Tray } from "./tray.js";

export class Composer {
  #commands = [];
  #form = null;
  #reply = null;
  #editing = null;

  constructor(app, pane) {
    this.app = app;
    this.pane = pane;
    this.channel = null;
    this.suggestions = new Suggestions();
    this.tray = new Tray(app);
    this.context = h("div", { class: "composer-context", hidden: true });
    this.complaint = h("p", { class: "composer-notice", role: "alert", hidden: true });
    this.text = h("textarea", {
      class: "composer-text", rows: "1", role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", autocomplete: "off",
      oninput: () => this.#typed(), onkeydown: (event) => this.#key(event), onblur: () => this.suggestions.close(),
    });
    this.slot = h("div", { class: "composer-slot" }, this.text);
    this.plus = iconButton("plus", "Attach files or use a command", () => this.#openPlus());
    this.sendButton = h("button", { type: "submit", class: "icon-button send", "aria-label": "Send", title: "Send" }, icon("send"));
    this.node = h(
      "form",
      { class: "composer", onsubmit: (event) => this.#submit(event) },
      this.suggestions.node,
      this.context,
      this.tray.node,
      h("div", { class: "composer-row" }, this.plus, this.slot, this.sendButton),
      this.complaint,
    );
    this.node.addEventListener("paste", (event) => this.#paste(event));
    this.node.addEventListener("focusout", (event) => this.node.contains(event.relatedTarget) || this.suggestions.close());
  }

  show(channel) {
    this.channel = channel;
    // Another channel or another member may be offered other commands.
    this.#commands = [];
    this.text.value = "";
    this.tray.clear();
    this.cancel({ focus: false });
    this.#clearContext();
    this.update(channel);
  }

  update(channel) {
    this.channel = channel;
    const where = channel.kind === "dm" ? `@${channel.name}` : channel.kind === "thread" ? channel.name : `#${channel.name}`;
    this.text.placeholder = channel.may_send ? `Message ${where}` : "You may not send messages here";
    this.text.setAttribute("aria-label", `Message ${where}`);
    this.text.disabled = this.sendButton.disabled = this.plus.disabled = !channel.may_send;
  }

  focus() {
    (this.#form ?? this.text).focus();
  }

  notice(words) {
    this.complaint.textContent = words ?? "";
    this.complaint.hidden = !words;
  }

  // Replies and edits

  reply(message) {
    this.cancel({ focus: false });
    this.#editing = null;
    this.#reply = { message, ping: true };
    this.#drawContext();
    this.text.focus();
  }

  edit(message) {
    this.cancel({ focus: false });
    this.#reply = null;
    this.#editing = message;
    this.text.value = this.#spokenMentions(message.content);
    this.#drawContext();
    this.text.focus();
  }

  #clearContext() {
    this.#reply = this.#editing = null;
    this.#drawContext();
  }

  #drawContext() {
    const { app } = this;
    app.setReplying(this.#reply?.message.id ?? null, this.channel?.id);
    const close = iconButton("close", this.#editing ? "Stop editing" : "Stop replying", () => {
      if (this.#editing) this.text.value = "";
      this.#clearContext();
      this.text.focus();
    });
    this.context.hidden = !this.#reply && !this.#editing;
    if (this.#editing) this.context.replaceChildren(h("span", {}, "Editing your message"), h("span", { class: "spring" }), close);
    if (!this.#reply) return;
    const author = app.store.author(this.#reply.message);
    const ping = h(
      "button",
      {
        type: "button", class: "ping", role: "switch", "aria-checked": String(this.#reply.ping), "aria-label": `Ping ${author.name}`,
        onclick: (event) => {
          this.#reply.ping = !this.#reply.ping;
          const byKey = document.activeElement === event.currentTarget;
          this.#drawContext();
          (byKey ? this.context.querySelector(".ping") : this.text).focus();
        },
        // A press of the mouse leaves the cursor where one writes.
        onpointerdown: (event) => event.preventDefault(),
      },
      icon("at", 16),
      this.#reply.ping ? "ON" : "OFF",
    );
    this.context.replaceChildren(h("span", {}, "Replying to ", h("strong", {}, author.name)), h("span", { class: "spring" }), ping, close);
  }

  // Commands

  /** Open a command by name, as a press on its mention does. */
  async command(path) {
    await this.#load();
    const leaf = leaves(this.#commands).find((one) => one.path === path);
    if (leaf) this.#openForm(new CommandForm(this.app, this, this.channel, leaf));
    else this.notice(`There is no /${path} here.`);
  }

  async #load() {
    const { commands, refused } = await act(this.app.member, "commands", { channel: this.channel.id });
    this.#commands = commands ?? [];
    this.notice(refused?.message);
  }

  /** Message or user menus the bot offers here. */
  async menus(kind) {
    await this.#load();
    return this.#commands.filter((command) => command.type === COMMAND[kind]);
  }

  #openForm(form) {
    this.#form = form;
    this.text.value = "";
    this.notice(null);
    this.suggestions.close();
    this.slot.replaceChildren(form.node);
    if (this.tray.count) {
      const files = this.tray.payload.map(({ blob }) => blob);
      this.tray.clear();
      form.take(files);
    }
    form.focus();
  }

  /** Put a command away. */
  cancel({ focus = true } = {}) {
    this.suggestions.close();
    this.notice(null);
    if (!this.#form) return;
    this.#form = null;
    this.slot.replaceChildren(this.text);
    if (focus) this.text.focus();
  }

  async #sendCommand(form) {
    if (!form.check()) return;
    const values = form.values();
    this.cancel();
    const line = this.pane.timeline.pending(`Sending /${form.leaf.path} …`);
    const outcome = await act(this.app.member, "slash", { command: form.leaf.path, options: values, channel: form.channel.id });
    if (outcome.failed) return line.fail(outcome.failed);
    line.done();
    if (outcome.refused) {
      this.#openForm(form);
      form.refuse(outcome.refused.message);
    } else if (outcome.modal) this.app.openModal(outcome.modal);
  }

  // Text

  async #typed() {
    this.notice(null);
    const { value, selectionStart: at } = this.text;
    const slash = /^\/([^\n]*)$/.exec(value);
    if (slash && !this.#editing) {
      if (slash[1] === "" || this.#commands.length === 0) await this.#load();
      const now = /^\/([^\n]*)$/.exec(this.text.value);
      if (now) this.#offerCommands(now[1]);
      return;
    }
    const name = /(?:^|\s)@([\w.]*)$/.exec(value.slice(0, at));
    if (name) this.#offerMembers(name[1]);
    else this.suggestions.close();
  }

  #offerCommands(typed) {
    const { bot } = this.app.store;
    const rows = commandRows(leaves(this.#commands), typed.trim(), bot, (leaf) => this.#openForm(new CommandForm(this.app, this, this.channel, leaf)));
    const note = this.#commands.length ? "No command has this name." : `${bot.name} has registered no command yet.`;
    this.suggestions.show(this.text, { title: h("p", { class: "suggestions-head" }, "Commands"), rows, note });
  }

  #offerMembers(typed) {
    const wanted = typed.toLowerCase();
    const users = [...this.app.store.users.values()].filter((user) => user.name.toLowerCase().startsWith(wanted));
    const rows = users.map((user) => ({ lead: avatar(user, 24), label: user.name, hint: user.username, pick: () => this.#mention(user, typed) }));
    if (rows.length) this.suggestions.show(this.text, { title: h("p", { class: "suggestions-head" }, "Members"), rows });
    else this.suggestions.close();
  }

  #mention(user, typed) {
    const at = this.text.selectionStart;
    this.text.setRangeText(`@${user.name} `, at - typed.length - 1, at, "end");
    this.suggestions.close();
  }

  #key(event) {
    if (event.isComposing || this.suggestions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape") {
      if (this.suggestions.isOpen) this.suggestions.close();
      else if (this.#reply || this.#editing) {
        if (this.#editing) this.text.value = "";
        this.#clearContext();
      } else return;
      event.stopPropagation();
    } else if (event.key === "ArrowUp" && this.text.value === "") this.#editLast(event);
  }

  #editLast(event) {
    const own = this.app.store.list(this.channel.id).filter((message) => message.may_edit);
    if (own.length === 0) return;
    event.preventDefault();
    this.edit(own.at(-1));
  }

  #submit(event) {
    event.preventDefault();
    this.send();
  }

  async send() {
    if (this.#form) return this.#sendCommand(this.#form);
    const text = this.#typedMentions(this.text.value);
    const files = this.tray.payload;
    if (!text.trim() && files.length === 0) return;
    const most = this.app.store.limits.content;
    if (text.length > most) return this.notice(`A message takes ${most} characters; this one has ${text.length}.`);
    const outcome = await this.#send(text, files);
    if (outcome.refused || outcome.failed) return this.notice(outcome.refused?.message ?? outcome.failed);
    this.text.value = "";
    this.tray.clear();
    this.notice(null);
    this.#clearContext();
  }

  #send(text, files) {
    const { app, channel } = this;
    if (this.#editing) return act(app.member, "edit", { message: this.#editing.id, text });
    if (this.#reply) return act(app.member, "reply", { message: this.#reply.message.id, text, ping: this.#reply.ping, files });
    return act(app.member, "say", { channel: channel.id, text, files });
  }

  /** Names as ids, the way a client sends them. */
  #typedMentions(text) {
    const users = [...this.app.store.users.values()].sort((a, b) => b.name.length - a.name.length);
    return users.reduce((words, user) => words.replace(new RegExp(`(?<![\\w<])@${escapeName(user.name)}\\b`, "gi"), `<@${user.id}>`), text);
  }

  #spokenMentions(text) {
    return text.replace(/<@!?(\d+)>/g, (whole, id) => (this.app.store.users.has(id) ? `@${this.app.store.users.get(id).name}` : whole));
  }

  // Files

  /** Take files that were chosen, dropped or pasted. */
  take(files) {
    if (files.length === 0 || !this.channel.may_send) return;
    if (this.#form) return this.#form.take(files);
    this.notice(this.tray.add(files, this.channel.upload_limit));
    this.text.focus();
  }

  dropHint() {
    return this.#form ? `Drop to attach to /${this.#form.leaf.path}` : "Drop to attach";
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    this.take(files);
  }

  #openPlus() {
    const items = [
      { label: "Attach files", icon: "image", run: () => chooseFiles((files) => this.take(files)) },
      { label: "Use a command", icon: "apps", run: () => this.#slash() },
    ];
    openMenu(this.plus, "Attach or use a command", items, { prefer: "above" });
  }

  #slash() {
    this.cancel({ focus: false });
    this.text.value = "/";
    this.text.focus();
    this.#typed();
  }
}

const escapeName = (name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
