// A channel on the screen: head, messages, composer. The page has two, one for channels and one for threads.

import { Composer } from "./composer.js";
import { h, icon, iconButton, solid } from "./dom.js";
import { Timeline } from "./timeline.js";

export class Pane {
  constructor(app, root) {
    this.app = app;
    this.root = root;
    this.channel = null;
    this.timeline = new Timeline(app);
    this.composer = new Composer(app, this);
    this.head = h("header", { class: "pane-head" });
    this.drop = h("div", { class: "drop", hidden: true }, h("p", {}, icon("image", 34), h("span", {})));
    const bottom = h("div", { class: "pane-bottom" }, this.timeline.latest, this.composer.node, this.timeline.typing);
    root.replaceChildren(this.head, this.timeline.node, bottom, this.drop);
    this.#takeDrops();
  }

  get isOpen() {
    return this.channel !== null && !this.root.hidden;
  }

  open(channel) {
    this.channel = channel;
    this.root.hidden = false;
    this.timeline.show(channel);
    this.composer.show(channel);
    this.update();
  }

  close() {
    this.channel = null;
    this.root.hidden = true;
  }

  /** Take the channel as the store has it now. */
  update() {
    this.channel = this.app.store.channels.get(this.channel.id) ?? this.channel;
    const { channel } = this;
    const isThread = channel.kind === "thread";
    const name = h("h1", {}, channel.name);
    this.root.setAttribute("aria-label", `${isThread ? "Thread" : "Channel"} ${channel.name}`);
    const parts = [
      isThread
        ? iconButton("back", "Back to the channel", () => this.app.closeThread(), { class: "icon-button narrow-only" })
        : iconButton("menu", "Channels", () => this.app.sidebar.toggle(), { class: "icon-button narrow-only" }),
      h("span", { class: "pane-kind" }, icon(isThread ? "thread" : channel.kind === "dm" ? "at" : "hash", 20)),
      name,
      channel.archived ? h("span", { class: "badge quiet" }, "archived") : null,
      h("span", { class: "spring" }),
      ...(isThread
        ? [iconButton("close", "Close thread", () => this.app.closeThread(), { class: "icon-button wide-only" })]
        : [
            iconButton("sun", "Light or dark", () => this.app.turnTheme()),
            iconButton("bolt", "Faults", () => this.app.faults.toggle(), { "aria-expanded": String(this.app.faults.isOpen), id: "open-faults" }),
          ]),
    ];
    this.head.replaceChildren(...solid(parts));
    this.composer.update(channel);
  }

  #takeDrops() {
    let depth = 0;
    const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const show = (on) => {
      this.drop.hidden = !on;
      this.drop.querySelector("span").textContent = this.composer.dropHint();
    };
    this.root.addEventListener("dragenter", (event) => {
      if (!carries(event)) return;
      depth += 1;
      show(true);
    });
    this.root.addEventListener("dragleave", (event) => {
      if (!carries(event)) return;
      depth -= 1;
      if (depth <= 0) show(false);
    });
    this.root.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    this.root.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      show(false);
      this.composer.take([...event.dataTransfer.files]);
    });
  }
}
