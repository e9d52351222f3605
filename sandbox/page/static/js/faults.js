// The faults panel: let Discord fail, be slow or rate-limit, and watch the bot's calls while nothing gets lost.

import { faults as ask } from "./api.js";
import { freshId, h, iconButton } from "./dom.js";

const KINDS = [
  ["fail", "answers 502", "count"],
  ["fail_after", "does it, but answers 502", "count"],
  ["too_many", "rate-limits (429)", "both"],
  ["slow", "is slow", "both"],
  ["disconnect", "cuts the connection", "count"],
  ["disconnect_after", "does it, then cuts the connection", "count"],
  ["outage", "is out (503)", "seconds"],
];
const LOG = 60;

export class Faults {
  #calls = [];
  #timer = null;

  constructor(app, root) {
    this.app = app;
    this.root = root;
    this.rules = h("ul", { class: "rules" });
    this.log = h("ol", { class: "calls", tabindex: "0", "aria-label": "The bot's newest calls" });
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle());
  }

  get isOpen() {
    return !this.root.hidden;
  }

  async toggle() {
    this.root.hidden = this.isOpen;
    document.getElementById("open-faults")?.setAttribute("aria-expanded", String(this.isOpen));
    clearInterval(this.#timer);
    if (!this.isOpen) return document.getElementById("open-faults")?.focus();
    const state = await ask();
    if (!state) return undefined;
    this.#build(state);
    this.#show(state);
    // Rules run out by themselves; their hits and seconds are read anew while somebody looks.
    this.#timer = setInterval(async () => this.#showRules((await ask())?.rules ?? []), 2000);
    return this.root.querySelector("select").focus();
  }

  /** A call of the bot was answered. */
  heard(call) {
    this.#calls = [...this.#calls, call].slice(-LOG);
    if (!this.isOpen) return;
    const stick = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 30;
    this.log.append(line(call));
    while (this.log.childElementCount > LOG) this.log.firstElementChild.remove();
    if (stick) this.log.scrollTop = this.log.scrollHeight;
  }

  #show(state) {
    this.#calls = state.log;
    this.log.replaceChildren(...state.log.map(line));
    this.log.scrollTop = this.log.scrollHeight;
    this.#showRules(state.rules);
  }

  #showRules(rules) {
    this.rules.replaceChildren(
      ...(rules.length
        ? rules.map((rule) => h("li", {}, h("span", {}, rule.text), h("b", { title: "How often it struck" }, `${rule.hits}×`)))
        : [h("li", { class: "none" }, "Discord is well.")]),
    );
  }

  async #cause(change) {
    const state = await ask(change);
    if (state) this.#showRules(state.rules);
  }

  #build(state) {
    const ids = { calls: freshId("fault"), kind: freshId("fault"), count: freshId("fault"), seconds: freshId("fault") };
    const calls = h("select", { id: ids.calls }, state.calls.map((one) => h("option", { value: one.key }, one.label)));
    const kind = h("select", { id: ids.kind, onchange: () => fit() }, KINDS.map(([key, words]) => h("option", { value: key }, words)));
    const count = h("input", { id: ids.count, type: "number", min: "1", max: "1000", value: "1" });
    const seconds = h("input", { id: ids.seconds, type: "number", min: "0.1", max: "600", step: "0.1", value: "5" });
    calls.value = "post";
    const countField = h("div", { class: "fault-field" }, h("label", { htmlFor: ids.count }, "times"), count);
    const secondsField = h("div", { class: "fault-field" }, h("label", { htmlFor: ids.seconds }, "seconds"), seconds);
    const fit = () => {
      const needs = KINDS.find(([key]) => key === kind.value)[2];
      countField.hidden = needs === "seconds";
      secondsField.hidden = needs === "count";
    };
    fit();
    const submit = (event) => {
      event.preventDefault();
      this.#cause({ do: "add", calls: calls.value, kind: kind.value, count: Number(count.value), seconds: Number(seconds.value) });
    };
    this.root.replaceChildren(
      h("header", { class: "pane-head" }, h("h2", {}, "Faults"), h("span", { class: "spring" }), iconButton("close", "Close faults", () => this.toggle())),
      h(
        "div",
        { class: "faults-body" },
        h("p", { class: "faults-about" }, "Let Discord misbehave, send a command, and watch: nothing is lost, nothing is posted twice."),
        h(
          "form",
          { class: "fault-form", onsubmit: submit },
          h("div", { class: "fault-field wide" }, h("label", { htmlFor: ids.calls }, "When the bot is"), calls),
          h("div", { class: "fault-field wide" }, h("label", { htmlFor: ids.kind }, "Discord"), kind),
          countField,
          secondsField,
          h("button", { type: "submit", class: "button primary" }, "Let it happen"),
        ),
        h("h3", {}, "In force", h("button", { type: "button", class: "text-button", onclick: () => this.#cause({ do: "clear" }) }, "Clear all")),
        this.rules,
        h("h3", {}, "The bot's calls"),
        this.log,
        h("h3", {}, "Gateway"),
        h("div", { class: "fault-gateway" }, state.gateway.map((one) => h("button", { type: "button", class: "button secondary", onclick: () => this.#cause({ do: "gateway", what: one.key }) }, one.label))),
      ),
    );
  }
}

function line(call) {
  const at = new Date(call.at * 1000).toLocaleTimeString(undefined, { hour12: false });
  const kind = call.status === 0 || call.status >= 500 ? "bad" : call.status >= 400 ? "refused" : "good";
  const path = call.path.replace(/\/(\d{4})\d{8,}(\d{4})/g, "/…$2").replace(/\/[\w-]{40,}/g, "/…");
  return h("li", { class: kind }, h("time", {}, at), h("b", {}, call.status || "cut"), h("span", {}, `${call.method} ${path}`));
}
