// Channels, their threads, direct messages, and who one is: the left side, a drawer on a phone.

import { avatar, mark } from "./avatar.js";
import { h, icon } from "./dom.js";
import { openMenu } from "./menu.js";

export class Sidebar {
  /** Channel id -> {unread, mentions}. */
  #news = new Map();

  constructor(app, root) {
    this.app = app;
    this.root = root;
    this.shade = h("div", { class: "shade", hidden: true, onclick: () => this.toggle(false) });
    root.after(this.shade);
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle(false));
  }

  toggle(open = !this.root.classList.contains("open")) {
    this.root.classList.toggle("open", open);
    this.shade.hidden = !open;
    if (open) this.root.querySelector("[aria-current]")?.focus();
  }

  /** Count a message nobody looks at yet. */
  note(message) {
    const { app } = this;
    if (message.author.id === app.store.me.id || app.shows(message.channel_id)) return;
    const news = this.#news.get(message.channel_id) ?? { mentions: 0 };
    if (message.pinged) news.mentions += 1;
    this.#news.set(message.channel_id, news);
  }

  seen(channel) {
    this.#news.delete(channel);
  }

  forget() {
    this.#news.clear();
  }

  draw() {
    const { store } = this.app;
    const all = [...store.channels.values()];
    const texts = all.filter((channel) => channel.kind === "text").sort((a, b) => a.position - b.position);
    const dms = all.filter((channel) => channel.kind === "dm");
    const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.root.replaceChildren(
      h("div", { class: "guild" }, h("span", { class: "guild-mark" }, mark()), h("span", { class: "guild-words" }, h("strong", {}, store.guild.name), h("small", {}, "on this machine"))),
      h(
        "div",
        { class: "channel-scroll" },
        h("h2", {}, "Channels"),
        h("ul", { class: "channels" }, texts.map((channel) => h("li", {}, this.#row(channel, "hash"), this.#threads(channel)))),
        h("h2", {}, "Direct messages"),
        h("ul", { class: "channels" }, dms.map((channel) => h("li", {}, this.#row(channel, null)))),
      ),
      this.#me(),
    );
    if (focused) this.root.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
  }

  #threads(channel) {
    const threads = this.app.store.threads(channel.id).filter((one) => !one.archived || this.app.shows(one.id));
    // The newest few: a channel of pictures has a thread for each.
    const shown = threads.sort((a, b) => (BigInt(b.id) > BigInt(a.id) ? 1 : -1)).slice(0, 6);
    return shown.length ? h("ul", { class: "threads" }, shown.map((thread) => h("li", {}, this.#row(thread, "thread")))) : null;
  }

  #row(channel, drawing) {
    const { app } = this;
    const news = this.#news.get(channel.id);
    const { bot, online } = { bot: app.store.bot, online: app.store.online };
    const open = () => {
      this.toggle(false);
      app.open(channel.id);
    };
    return h(
      "button",
      { type: "button", class: news ? "channel unread" : "channel", "aria-current": app.shows(channel.id) ? "page" : null, data: { key: `channel-${channel.id}`, channel: channel.name }, onclick: open },
      drawing
        ? icon(drawing, drawing === "thread" ? 16 : 18)
        : h("span", { class: online ? "face online" : "face" }, avatar(bot, 24), h("i", { class: "presence", title: online ? "Online" : "Offline" })),
      h("span", { class: "channel-name" }, channel.name),
      news?.mentions ? h("span", { class: "count", "aria-label": `${news.mentions} mentions` }, String(news.mentions)) : null,
      news && !news.mentions ? h("span", { class: "visually-hidden" }, "unread") : null,
    );
  }

  #me() {
    const { app } = this;
    const { me } = app.store;
    const open = (event) => {
      const items = app.store.members().map((user) => ({
        badge: avatar(user, 32),
        label: user.name,
        detail: user.roles.includes("Admins") ? "administrator" : "member",
        checked: user.id === me.id,
        run: () => app.become(user.username),
      }));
      openMenu(event.currentTarget, "Be another member", [{ heading: "You are" }, ...items], { prefer: "above" });
    };
    return h(
      "button",
      { type: "button", class: "me", "aria-haspopup": "menu", "aria-label": `You are ${me.name}. Switch member`, data: { key: "me" }, onclick: open },
      avatar(me, 32),
      h("span", { class: "me-words" }, h("strong", {}, me.name), h("small", {}, me.roles.includes("Admins") ? "administrator" : "member")),
      h("span", { class: "me-hint" }, "Switch"),
    );
  }
}
