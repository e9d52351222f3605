// One message on the page. Only what changed is built anew, so a press or a focus survives a live edit.

import { attachments } from "./media.js";
import { avatar } from "./avatar.js";
import { components } from "./components.js";
import { h, icon, iconButton, solid } from "./dom.js";
import { embed } from "./embed.js";
import { dayOf, several, timeOf } from "./format.js";
import { markdown, plain } from "./markdown.js";

const PARTS = ["reply", "used", "head", "content", "files", "embeds", "components", "thread", "foot"];

export class MessageView {
  #built = new Map();
  #error = null;

  constructor(app) {
    this.app = app;
    this.parts = Object.fromEntries(PARTS.map((name) => [name, h("div", { class: `message-${name}` })]));
    this.gutter = h("div", { class: "message-gutter" });
    this.body = h("div", { class: "message-body" });
    const { reply, used, head, content, files, embeds, components: rows, thread, foot } = this.parts;
    this.body.append(head, content, files, embeds, rows, thread, foot);
    this.tools = h(
      "div",
      { class: "message-tools" },
      iconButton("reply", "Reply", () => app.reply(this.message), { tabindex: "-1" }),
      iconButton("more", "More", (event) => app.messageMenu(this.message, event.currentTarget), { tabindex: "-1" }),
    );
    this.node = h("article", { class: "message", tabindex: "-1" }, reply, used, this.gutter, this.body, this.tools);
  }

  /** Take the message as it is now; `follows` if it continues the one above it. */
  update(message, follows) {
    const { app } = this;
    this.message = message;
    const author = app.store.author(message);
    const loud = message.pinged && message.author.id !== app.store.me.id;
    this.node.id = `message-${message.id}`;
    this.node.className = solid([
      "message", follows ? "follows" : "leads", message.ephemeral ? "ephemeral" : null, loud ? "pinged" : null,
      app.replying === message.id ? "replying" : null,
    ]).join(" ");
    this.node.setAttribute("aria-label", `${author.name}, ${timeOf(new Date(message.timestamp))}`);
    this.#sync("reply", message.reply, () => replyLine(message.reply, app));
    this.#sync("used", [message.interaction, Boolean(message.reply)], () => usedLine(message, app));
    this.#sync("head", [follows, author, message.timestamp], () => (follows ? [] : this.#head(author)));
    this.#sync("content", [message.content, message.edited_timestamp, message.thinking], () => contentOf(message, app));
    this.#sync("files", message.attachments, () => attachments(message.attachments));
    this.#sync("embeds", message.embeds, () => message.embeds.map((one) => embed(one, app.context)));
    this.#sync("components", message.components, () => components(message.components, app.context, this.#use(), app.store));
    this.#sync("thread", message.thread, () => threadCard(message.thread, app));
    this.#foot();
  }

  #sync(name, value, build) {
    const key = JSON.stringify(value ?? null);
    if (this.#built.get(name) === key) return;
    this.#built.set(name, key);
    const part = this.parts[name];
    const focused = part.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    part.replaceChildren(...solid([build()]));
    part.hidden = part.childNodes.length === 0;
    if (focused) part.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (name === "head") this.#gutter();
  }

  #head(author) {
    const { app, message } = this;
    const date = new Date(message.timestamp);
    const name = h(
      "button",
      { type: "button", class: "author", onclick: (event) => app.userMenu(author, message.channel_id, event.currentTarget) },
      author.name,
    );
    return [
      name,
      author.bot ? h("span", { class: "badge" }, "APP") : null,
      author.roles?.includes("Admins") ? h("span", { class: "badge quiet" }, "admin") : null,
      h("time", { class: "when", datetime: message.timestamp, title: `${dayOf(date)}, ${timeOf(date)}` }, timeOf(date)),
    ];
  }

  #gutter() {
    const leads = !this.parts.head.hidden;
    const date = new Date(this.message.timestamp);
    this.gutter.replaceChildren(
      leads ? avatar(this.app.store.author(this.message), 40) : h("time", { class: "when", "aria-hidden": "true" }, timeOf(date)),
    );
  }

  #use() {
    return {
      press: (button) => this.#answer(this.app.act("press", { message: this.message.id, custom_id: button.custom_id })),
      select: (menu, values) => this.#answer(this.app.act("select", { message: this.message.id, custom_id: menu.custom_id, values })),
    };
  }

  async #answer(asked) {
    this.#error = null;
    const outcome = await asked;
    this.#error = outcome.failed ? "This interaction failed: the bot did not answer." : outcome.refused?.message ?? null;
    this.#foot();
    if (outcome.modal) this.app.openModal(outcome.modal);
  }

  #foot() {
    const { app, message } = this;
    this.#sync("foot", [message.ephemeral, this.#error], () => [
      this.#error ? h("p", { class: "message-error", role: "alert" }, this.#error) : null,
      message.ephemeral
        ? h(
            "p",
            { class: "only-you" },
            icon("eye", 15),
            "Only you can see this",
            h("span", { "aria-hidden": "true" }, "·"),
            h("button", { type: "button", class: "text-button", onclick: () => app.act("delete", { message: message.id }) }, "Dismiss"),
          )
        : null,
    ]);
  }
}

/** The words of a message; a placeholder says who is thinking. */
function contentOf(message, app) {
  if (message.thinking) {
    return h("p", { class: "thinking" }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), `${app.store.bot.name} is thinking …`);
  }
  const edited = message.edited_timestamp
    ? h("span", { class: "edited", title: new Date(message.edited_timestamp).toLocaleString() }, "(edited)")
    : null;
  if (message.type === 18) return h("p", { class: "subtext" }, "started a thread: ", message.content);
  if (!message.content) return edited && message.attachments.length === 0 && !message.components.length ? edited : null;
  const blocks = markdown(message.content, app.context);
  if (edited && blocks.at(-1)?.tagName === "P") blocks.at(-1).append(" ", edited);
  else blocks.push(...solid([edited]));
  return h("div", { class: "prose" }, blocks);
}

function replyLine(reply, app) {
  if (!reply) return null;
  if (!reply.author) return h("p", { class: "quote gone" }, icon("reply", 14), "The original message was deleted.");
  const author = app.store.users.get(reply.author);
  const words = plain(reply.content, app.context) || "Press to see what it answers";
  const go = () => app.context.jump(reply.channel_id, reply.id);
  return h(
    "p",
    { class: "quote" },
    icon("reply", 14),
    avatar(author, 16),
    h("span", { class: "quote-author" }, `${reply.mentions ? "@" : ""}${author.name}`),
    h("button", { type: "button", class: "quote-words", "aria-label": `Show the message of ${author.name}`, onclick: go }, words),
    reply.has_files ? icon("image", 14) : null,
  );
}

function usedLine(message, app) {
  const by = message.interaction_metadata?.user;
  const name = message.interaction?.name;
  if (!by || !name) return null;
  const author = app.store.users.get(by.id) ?? { ...by, name: by.username };
  const words = message.interaction_metadata.target_message_id ? name : `/${name}`;
  return h("p", { class: "quote" }, icon("bolt", 14), avatar(author, 16), h("span", { class: "quote-author" }, author.name), "used", h("span", { class: "mention" }, words));
}

function threadCard(thread, app) {
  if (!thread) return null;
  const current = app.store.channels.get(thread.id);
  const count = current?.count ?? 0;
  return h(
    "button",
    { type: "button", class: "thread-card", data: { thread: thread.id, key: `thread-${thread.id}` }, onclick: () => app.open(thread.id) },
    icon("thread", 18),
    h("span", { class: "thread-card-name" }, thread.name),
    h("span", { class: "thread-card-count" }, count ? several(count, "message") : "Thread"),
    icon("next", 16),
  );
}
