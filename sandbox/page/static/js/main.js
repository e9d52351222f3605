// Puts the page together: who one is, which channels are open, what everybody may ask of everybody else.

import { act, Feed } from "./api.js";
import { Faults } from "./faults.js";
import { openMenu } from "./menu.js";
import { openModal } from "./modal.js";
import { Pane } from "./pane.js";
import { Sidebar } from "./sidebar.js";
import { Store } from "./store.js";

const FIRST_MEMBER = "luna";

class App {
  replying = null;
  #feed = null;
  #places = new Map();
  #pending = null;

  constructor() {
    this.store = new Store();
    this.member = sessionStorage.getItem("member") ?? FIRST_MEMBER;
    this.context = {
      user: (id) => this.store.users.get(id),
      role: (id) => this.store.roles.get(id),
      channel: (id) => this.store.channels.get(id),
      jump: (channel, message) => this.open(channel, message),
      command: (path) => this.main.composer.command(path),
    };
    this.faults = new Faults(this, document.getElementById("faults"));
    this.sidebar = new Sidebar(this, document.getElementById("sidebar"));
    this.main = new Pane(this, document.getElementById("main"));
    this.thread = new Pane(this, document.getElementById("thread"));
    this.#listen();
    this.turnTheme(localStorage.getItem("theme"));
    this.#connect();
  }

  get panes() {
    return [this.main, this.thread].filter((pane) => pane.isOpen);
  }

  /** The channel where one would write now. */
  get current() {
    return (this.thread.isOpen ? this.thread : this.main).channel;
  }

  act(name, payload) {
    return act(this.member, name, payload);
  }

  shows(id) {
    return this.panes.some((pane) => pane.channel.id === id);
  }

  #paneOf(id) {
    return this.panes.find((pane) => pane.channel.id === id);
  }

  // The world

  #connect() {
    this.#feed?.close();
    const lost = document.getElementById("lost");
    this.#feed = new Feed(this.member, {
      onevent: (event) => {
        lost.hidden = true;
        this.store.apply(event);
      },
      onlost: () => (lost.hidden = false),
    });
  }

  #listen() {
    const { store } = this;
    store.on("everything", () => this.#begin());
    store.on("message", (change) => {
      if (change.is_new) this.sidebar.note(change.message);
      this.#paneOf(change.channel)?.timeline.heard(change);
      // A thread shows the message it was made from.
      if (this.thread.isOpen && this.thread.channel.id === change.message?.id) this.thread.timeline.refresh();
      if (change.is_new) this.#later();
    });
    store.on("channel", ({ channel }) => {
      const pane = this.#paneOf(channel);
      if (!store.channels.has(channel)) {
        if (pane === this.thread) this.closeThread();
      } else pane?.update();
      for (const card of document.querySelectorAll(`[data-thread="${channel}"] .thread-card-count`)) {
        const count = store.channels.get(channel)?.count ?? 0;
        card.textContent = count ? `${count} message${count === 1 ? "" : "s"}` : "Thread";
      }
      this.#later();
    });
    store.on("typing", ({ channel_id }) => this.#paneOf(channel_id)?.timeline.types());
    store.on("online", () => this.#later());
    store.on("call", ({ call }) => this.faults.heard(call));
  }

  /** Draw the sidebar once for all that came together. */
  #later() {
    if (this.#pending) return;
    this.#pending = requestAnimationFrame(() => {
      this.#pending = null;
      this.sidebar.draw();
    });
  }

  #begin() {
    const { store } = this;
    document.getElementById("app").hidden = false;
    document.title = `${store.guild.name} · ${store.me.name}`;
    this.context.me = store.me.id;
    const place = this.#places.get(this.member) ?? {};
    const first = [...store.channels.values()].filter((one) => one.kind === "text").sort((a, b) => a.position - b.position)[0];
    const again = this.main.channel && store.channels.get(this.main.channel.id);
    this.main.open(again ?? store.channels.get(place.channel) ?? first);
    const thread = this.thread.channel && store.channels.get(this.thread.channel.id);
    if (thread) this.thread.open(thread);
    else this.closeThread();
    this.sidebar.draw();
  }

  /** Show a channel or thread, and one of its messages if given. */
  open(id, message) {
    const channel = this.store.channels.get(id);
    if (!channel) return;
    const isThread = channel.kind === "thread";
    const pane = isThread ? this.thread : this.main;
    if (isThread && this.main.channel.id !== channel.parent_id && this.store.channels.has(channel.parent_id)) {
      this.main.open(this.store.channels.get(channel.parent_id));
    }
    if (pane.channel?.id !== id || !pane.isOpen) pane.open(channel);
    if (!isThread && this.thread.isOpen && this.thread.channel.parent_id !== id) this.closeThread();
    // Where there is room for one only, what was asked for is in front.
    if (!isThread && matchMedia("(max-width: 900px)").matches) this.closeThread();
    document.getElementById("app").classList.toggle("with-thread", this.thread.isOpen);
    this.#places.set(this.member, { channel: this.main.channel.id });
    this.sidebar.seen(id);
    this.sidebar.draw();
    if (message) pane.timeline.jump(message);
    else if (matchMedia("(pointer: fine)").matches) pane.composer.focus();
  }

  closeThread() {
    const was = this.thread.isOpen;
    this.thread.close();
    document.getElementById("app").classList.remove("with-thread");
    if (!was) return;
    this.sidebar.draw();
    this.main.composer.focus();
  }

  /** Be another member from now on. */
  become(name) {
    this.#places.set(this.member, { channel: this.main.channel?.id });
    this.member = name;
    sessionStorage.setItem("member", name);
    this.sidebar.forget();
    this.#connect();
  }

  turnTheme(theme) {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = theme === undefined ? (isDark ? "light" : "dark") : theme;
    if (!next) return;
    root.dataset.theme = next;
    localStorage.setItem("theme", next);
  }

  // What one does with messages and members

  setReplying(id, channel) {
    this.replying = id;
    this.#paneOf(channel)?.timeline.refresh();
  }

  reply(message) {
    this.#paneOf(message.channel_id)?.composer.reply(message);
  }

  async messageMenu(message, anchor) {
    const pane = this.#paneOf(message.channel_id);
    const commands = await pane.composer.menus("message");
    const items = [
      message.ephemeral ? null : { label: "Reply", icon: "reply", run: () => this.reply(message) },
      message.may_edit ? { label: "Edit message", icon: "pencil", run: () => pane.composer.edit(message) } : null,
      message.content ? { label: "Copy text", icon: "copy", run: () => navigator.clipboard.writeText(message.content) } : null,
      { label: "Copy message id", icon: "copy", run: () => navigator.clipboard.writeText(message.id) },
      message.may_delete ? { label: message.ephemeral ? "Dismiss" : "Delete message", icon: "trash", danger: true, run: () => this.act("delete", { message: message.id }) } : null,
      commands.length ? { heading: "Apps" } : null,
      ...commands.map((command) => ({ label: command.name, icon: "apps", run: () => this.#useMenu(pane, command.name, "menu", { message: message.id, name: command.name }) })),
    ];
    openMenu(anchor, "Message", items.filter(Boolean), { align: "end" });
  }

  async userMenu(user, channel, anchor) {
    const pane = this.#paneOf(channel);
    const commands = await pane.composer.menus("user");
    const items = [
      { heading: user.bot ? `${user.name} · app` : user.name },
      { label: "Mention", icon: "at", run: () => this.#mention(pane, user) },
      { label: "Copy user id", icon: "copy", run: () => navigator.clipboard.writeText(user.id) },
      commands.length ? { heading: "Apps" } : null,
      ...commands.map((command) => ({ label: command.name, icon: "apps", run: () => this.#useMenu(pane, command.name, "user_menu", { user: user.id, name: command.name, channel }) })),
    ];
    openMenu(anchor, user.name, items.filter(Boolean));
  }

  #mention(pane, user) {
    const { text } = pane.composer;
    text.value = `${text.value}${text.value && !text.value.endsWith(" ") ? " " : ""}@${user.name} `;
    text.focus();
  }

  async #useMenu(pane, name, kind, payload) {
    const line = pane.timeline.pending(`Sending ${name} …`);
    const outcome = await this.act(kind, payload);
    if (outcome.failed || outcome.refused) return line.fail(outcome.failed ?? outcome.refused.message);
    line.done();
    if (outcome.modal) this.openModal(outcome.modal);
  }

  openModal(modal) {
    const submit = async (values) => {
      const outcome = await this.act("submit", { modal: modal.id, values });
      if (outcome.modal) this.openModal(outcome.modal);
      return outcome;
    };
    openModal(modal, this, submit);
  }
}

new App();
