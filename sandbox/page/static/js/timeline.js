// A channel's messages, oldest on top. Stays at the bottom while one reads there, and where one is otherwise.

import { announce, h, icon } from "./dom.js";
import { dayOf } from "./format.js";
import { plain } from "./markdown.js";
import { MessageView } from "./message.js";
import { avatar } from "./avatar.js";

const SHOWN = 80;
const STARTER = 21;
const TOGETHER_MS = 7 * 60 * 1000;

export class Timeline {
  #views = new Map();
  #shown = SHOWN;
  #locals = [];
  #typing = null;

  constructor(app) {
    this.app = app;
    this.channel = null;
    this.list = h("div", { class: "timeline-list" });
    this.node = h("div", { class: "timeline", role: "log", "aria-live": "off", tabindex: "0", onkeydown: (event) => this.#keys(event) }, this.list);
    this.latest = h("button", { type: "button", class: "to-latest", hidden: true, onclick: () => this.bottom() }, "Newer messages", icon("down", 16));
    this.typing = h("p", { class: "typing", "aria-hidden": "true" });
    this.node.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.node.addEventListener("contextmenu", (event) => this.#contextMenu(event));
    // Pictures and late edits change heights: whoever reads at the bottom stays there.
    new ResizeObserver(() => this.#pinned && this.bottom()).observe(this.list);
    new ResizeObserver(() => this.#pinned && this.bottom()).observe(this.node);
  }

  #pinned = true;
  #top = 0;

  show(channel) {
    this.channel = channel;
    this.#views.clear();
    this.#locals = [];
    this.#shown = SHOWN;
    this.#pinned = true;
    this.node.setAttribute("aria-label", `Messages in ${channel.name}`);
    this.list.replaceChildren();
    this.refresh();
    this.bottom();
  }

  /** Bring the elements in line with the store. */
  refresh() {
    if (!this.channel) return;
    const all = this.app.store.list(this.channel.id).map((message) => this.#spoken(message));
    const messages = all.slice(-this.#shown);
    const nodes = [all.length > messages.length ? this.#earlier() : this.#welcome()];
    let before = null;
    for (const message of messages) {
      const follows = continues(before, message);
      if (!before || day(before) !== day(message)) nodes.push(daySeparator(message));
      let view = this.#views.get(message.id);
      if (!view) this.#views.set(message.id, (view = new MessageView(this.app)));
      view.update(message, follows);
      nodes.push(view.node);
      before = message;
    }
    for (const id of this.#views.keys()) {
      if (!messages.some((message) => message.id === id)) this.#views.delete(id);
    }
    this.#place([...nodes, ...this.#locals]);
    if (this.#pinned) this.bottom();
  }

  /** A message came or changed. */
  heard({ message, is_new }) {
    if (message && !is_new && this.#views.has(message.id)) {
      const view = this.#views.get(message.id);
      view.update(message, view.node.classList.contains("follows"));
      return;
    }
    this.refresh();
    if (!is_new) return;
    this.#quiet();
    const author = this.app.store.author(message);
    if (message.author.id !== this.app.store.me.id) announce(`${author.name}: ${spoken(message, this.app)}`);
    if (!this.#pinned && message.author.id === this.app.store.me.id) this.bottom();
    this.#scrolled();
  }

  /** Move only what is not in its place, so that nothing under a pointer or focus is taken out. */
  #place(nodes) {
    const wanted = new Set(nodes);
    for (const child of [...this.list.children]) if (!wanted.has(child)) child.remove();
    nodes.forEach((node, index) => {
      if (this.list.children[index] !== node) this.list.insertBefore(node, this.list.children[index] ?? null);
    });
  }

  /** A thread opens with the message it was made from, which still changes where it stands. */
  #spoken(message) {
    const starter = message.type === STARTER ? this.app.store.find(this.channel.parent_id, this.channel.id) : null;
    return starter ? { ...starter, thread: null, opens: true } : message;
  }

  #earlier() {
    const more = () => {
      const height = this.node.scrollHeight;
      this.#shown += SHOWN;
      this.#pinned = false;
      this.refresh();
      this.node.scrollTop += this.node.scrollHeight - height;
    };
    return h("button", { type: "button", class: "earlier", onclick: more }, "Show earlier messages");
  }

  #welcome() {
    if (this.welcomeOf !== this.channel.id) {
      this.welcomeOf = this.channel.id;
      this.welcome = welcome(this.channel, this.app);
    }
    return this.welcome;
  }

  bottom() {
    this.#pinned = true;
    this.node.scrollTop = this.node.scrollHeight;
    this.#top = this.node.scrollTop;
    this.latest.hidden = true;
  }

  #scrolled() {
    const gap = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight;
    // Only somebody scrolling up lets go of the bottom; what grows below them in the meantime does not.
    if (gap < 40) this.#pinned = true;
    else if (this.node.scrollTop < this.#top - 1) this.#pinned = false;
    this.#top = this.node.scrollTop;
    this.latest.hidden = gap < 400;
  }

  /** Scroll to a message and light it up. */
  jump(id) {
    const all = this.app.store.list(this.channel.id);
    const at = all.findIndex((message) => message.id === id);
    if (at < 0) return;
    if (all.length - at > this.#shown) {
      this.#shown = all.length - at + 10;
      this.refresh();
    }
    const { node } = this.#views.get(id);
    this.#pinned = false;
    node.scrollIntoView({ block: "center" });
    node.classList.remove("lit");
    requestAnimationFrame(() => node.classList.add("lit"));
    node.focus({ preventScroll: true });
  }

  /** A line only this page has: what was sent and not yet acknowledged. Ends by `done` or stays by `fail`. */
  pending(words) {
    const user = this.app.store.bot;
    const text = h("p", { class: "thinking" }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), words);
    const node = h("div", { class: "message leads local" }, h("div", { class: "message-gutter" }, avatar(user, 40)), h("div", { class: "message-body" }, text));
    this.#locals.push(node);
    this.refresh();
    this.bottom();
    const drop = () => {
      this.#locals = this.#locals.filter((one) => one !== node);
      this.refresh();
    };
    const fail = (reason) => {
      const dismiss = h("button", { type: "button", class: "text-button", onclick: drop }, "Dismiss");
      text.replaceWith(h("p", { class: "message-error", role: "alert" }, reason), h("p", { class: "only-you" }, icon("eye", 15), "Only you can see this", h("span", { "aria-hidden": "true" }, "·"), dismiss));
    };
    return { done: drop, fail };
  }

  /** The bot types, for ten seconds or until it has said something. */
  types() {
    clearTimeout(this.#typing);
    this.typing.replaceChildren(h("span", { class: "dots" }, h("i"), h("i"), h("i")), `${this.app.store.bot.name} is typing …`);
    this.#typing = setTimeout(() => this.#quiet(), 10_000);
  }

  #quiet() {
    clearTimeout(this.#typing);
    this.typing.replaceChildren();
  }

  #contextMenu(event) {
    const view = this.#viewOf(event.target);
    if (!view || event.target.closest("a, input, textarea") || String(getSelection())) return;
    event.preventDefault();
    const isKey = event.clientX === 0 && event.clientY === 0;
    this.app.messageMenu(view.message, isKey ? view.node : { x: event.clientX, y: event.clientY });
  }

  #viewOf(target) {
    const node = target.closest?.("article.message");
    return [...this.#views.values()].find((view) => view.node === node);
  }

  #keys(event) {
    const current = this.#viewOf(document.activeElement);
    if (event.target !== this.node && event.target !== current?.node) return;
    const nodes = [...this.list.querySelectorAll("article.message")];
    const at = nodes.indexOf(current?.node);
    if (event.key === "ArrowUp") (at < 0 ? nodes.at(-1) : nodes[Math.max(0, at - 1)])?.focus();
    else if (event.key === "ArrowDown" && at >= 0) nodes[Math.min(nodes.length - 1, at + 1)].focus();
    else if (event.key === "Enter" && current) this.app.messageMenu(current.message, current.node);
    else if (event.key === "r" && current && !event.ctrlKey && !event.metaKey) this.app.reply(current.message);
    else return;
    event.preventDefault();
  }
}

function spoken(message, app) {
  if (message.thinking) return "is thinking";
  const words = plain(message.content, app.context).slice(0, 300);
  const alt = message.attachments.map((file) => file.description).filter(Boolean).join(", ");
  return [words, alt].filter(Boolean).join(" · ") || "sent something";
}

const day = (message) => new Date(message.timestamp).toDateString();

/** True if a message goes on under its author's former one, without a head of its own. */
function continues(before, message) {
  return Boolean(before) && !message.reply && !message.interaction && before.author.id === message.author.id
    && before.ephemeral === message.ephemeral && !before.thread && !before.opens
    && new Date(message.timestamp) - new Date(before.timestamp) < TOGETHER_MS;
}

function daySeparator(message) {
  return h("div", { class: "day", role: "separator" }, h("span", {}, dayOf(new Date(message.timestamp))));
}

function welcome(channel, app) {
  const { bot } = app.store;
  if (channel.kind === "thread") return h("div", { class: "welcome small" });
  const isDm = channel.kind === "dm";
  const words = isDm
    ? `This is the beginning of your direct messages with ${bot.name}.`
    : channel.may_send ? `This is the beginning of #${channel.name}. Type / to see what ${bot.name} can do.` : `This is the beginning of #${channel.name}.`;
  return h(
    "div",
    { class: "welcome" },
    isDm ? avatar(bot, 64) : h("span", { class: "welcome-mark" }, icon("hash", 34)),
    h("h2", {}, isDm ? bot.name : `Welcome to #${channel.name}`),
    h("p", {}, words),
  );
}
