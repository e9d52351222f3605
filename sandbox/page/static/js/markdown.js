// Discord's markdown as elements. `context` says who and where the ids are: {user, role, channel, jump, command}.

import { h, icon } from "./dom.js";
import { timestamp } from "./format.js";

const MARKS = [
  [/\\([!-/:-@[-`{-~])/y, (m) => m[1]],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, (m) => h("code", {}, m[2].trim() || m[2])],
  [/\|\|([\s\S]+?)\|\|/y, (m, context) => spoiler(inline(m[1], context))],
  [/\*\*\*(?=\S)([\s\S]+?)\*\*\*/y, (m, context) => h("strong", {}, h("em", {}, inline(m[1], context)))],
  [/\*\*(?=\S)([\s\S]+?)\*\*(?!\*)/y, (m, context) => h("strong", {}, inline(m[1], context))],
  [/__(?=\S)([\s\S]+?)__(?!_)/y, (m, context) => h("u", {}, inline(m[1], context))],
  [/\*(?=\S)((?:\*\*[\s\S]+?\*\*|[^*])+?)\*(?!\*)/y, (m, context) => h("em", {}, inline(m[1], context))],
  [/(?<!\w)_(?=\S)((?:\\[\s\S]|[^_\\])+?)_(?!\w)/y, (m, context) => h("em", {}, inline(m[1], context))],
  [/~~(?=\S)([\s\S]+?)~~/y, (m, context) => h("s", {}, inline(m[1], context))],
  [/\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?(?:\s+"[^"]*")?\)/y, (m, context) => link(m[2], context, inline(m[1], context))],
  [/<(https?:\/\/[^\s>]+)>/y, (m, context) => link(m[1], context)],
  [/https?:\/\/[^\s<]*[^\s<.,:;"'!?)\]]/y, (m, context) => link(m[0], context)],
  [/<@!?(\d+)>/y, (m, context) => mention(`@${context.user(m[1])?.name ?? "unknown-user"}`, context.me === m[1])],
  [/<@&(\d+)>/y, (m, context) => mention(`@${context.role(m[1])?.name ?? "unknown-role"}`)],
  [/<#(\d+)>/y, (m, context) => channelLink(m[1], null, context)],
  [/<\/([^:>]+):\d+>/y, (m, context) => commandLink(m[1], context)],
  [/<t:(-?\d{1,13})(?::([tTdDfFR]))?>/y, (m) => moment(new Date(Number(m[1]) * 1000), m[2])],
  [/<a?:(\w+):\d+>/y, (m) => `:${m[1]}:`],
  [/@(?:everyone|here)\b/y, (m) => mention(m[0], false)],
  [/[▰▱]{3,}/y, (m) => bar(m[0])],
];

/** Text with marks inside one line or block, as nodes. */
export function inline(text, context) {
  const nodes = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    const found = match(text, at, context);
    if (found === null) {
      plain += text[at];
      at += 1;
      continue;
    }
    if (typeof found.node === "string") plain += found.node;
    else {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(found.node);
    }
    at = found.end;
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function match(text, at, context) {
  for (const [pattern, build] of MARKS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) continue;
    const end = pattern.lastIndex;
    return { node: build(found, context), end };
  }
  return null;
}

/** A whole text: code blocks, quotes, headings, lists and paragraphs. */
export function markdown(text, context) {
  const nodes = [];
  const parts = text.split(/```(?:([\w+-]*)\n)?([\s\S]*?)```\n?/);
  for (let index = 0; index < parts.length; index += 3) {
    if (parts[index]) nodes.push(...blocks(parts[index], context));
    if (index + 2 < parts.length) nodes.push(h("pre", { tabindex: "0" }, h("code", {}, parts[index + 2].replace(/\n$/, ""))));
  }
  return nodes;
}

const BLOCKS = [
  ["quote", /^>>> ?([\s\S]*)/],
  ["quoted", /^> ?(.*)/],
  ["heading", /^(#{1,3}) +(.+)/],
  ["small", /^-# +(.+)/],
  ["item", /^( *)(?:[-*]|\d+\.) +(.+)/],
];

function blocks(text, context) {
  const nodes = [];
  const lines = text.replace(/\n$/, "").split("\n");
  let group = null;
  const gather = (kind, line) => {
    if (group?.kind !== kind) nodes.push((group = { kind, lines: [] }));
    group.lines.push(line);
  };
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index];
    if (line.startsWith(">>>")) {
      nodes.push({ kind: "quoted", lines: [lines.slice(index).join("\n").replace(/^>>> ?/, "")] });
      break;
    }
    const [kind, pattern] = BLOCKS.find(([, one]) => one.test(line)) ?? ["plain", null];
    const found = pattern?.exec(line);
    if (kind === "quoted") gather("quoted", found[1]);
    else if (kind === "item") gather(/\d/.test(line.trimStart()[0]) ? "numbered" : "listed", found[2]);
    else if (kind === "plain") gather("plain", line);
    else nodes.push((group = { kind, lines: [found.at(-1)], level: found[1] }));
  }
  return nodes.map((block) => render(block, context));
}

function render({ kind, lines, level }, context) {
  const text = lines.join("\n");
  switch (kind) {
    case "quoted":
      return h("blockquote", {}, inline(text, context));
    case "heading":
      // Headings inside messages are large type; the page's own outline stays clear of them.
      return h("p", { class: `heading-${level.length}` }, inline(text, context));
    case "small":
      return h("p", { class: "subtext" }, inline(text, context));
    case "listed":
      return h("ul", {}, lines.map((line) => h("li", {}, inline(line, context))));
    case "numbered":
      return h("ol", {}, lines.map((line) => h("li", {}, inline(line, context))));
    default:
      return h("p", {}, inline(text, context));
  }
}

/** A text in words alone, for what is spoken or has one line. */
export function plain(text, context) {
  const node = document.createElement("div");
  node.append(...markdown(text, context));
  for (const hidden of node.querySelectorAll(".spoiler")) hidden.replaceWith("spoiler");
  return node.textContent.replace(/\s+/g, " ").trim();
}

/** Hidden until pressed. */
export function spoiler(children) {
  const hidden = h("span", { "aria-hidden": "true" }, children);
  const node = h("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler, press to show" }, hidden);
  const show = (event) => {
    if (node.classList.contains("shown") || (event.key && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation();
    node.classList.add("shown");
    for (const name of ["role", "tabindex", "aria-label"]) node.removeAttribute(name);
    hidden.removeAttribute("aria-hidden");
  };
  node.addEventListener("click", show);
  node.addEventListener("keydown", show);
  return node;
}

const JUMP = /^https:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/(\d+)(?:\/(\d+))?$/;

function link(url, context, children) {
  const jump = JUMP.exec(url);
  if (jump && context.channel(jump[1])) return channelLink(jump[1], jump[2], context, children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, children ?? url);
}

function channelLink(id, message, context, children) {
  const channel = context.channel(id);
  if (!channel) return mention("#unknown-channel");
  const mark = icon(channel.kind === "thread" ? "thread" : channel.kind === "dm" ? "at" : "hash", 14);
  const place = h("span", { class: "mention-name" }, channel.name);
  const words = children ?? [mark, place, message ? [" › ", icon("thread", 13), h("span", { class: "visually-hidden" }, "message")] : []];
  return inPlace(() => context.jump(id, message), words);
}

function commandLink(name, context) {
  return inPlace(() => context.command(name), `/${name}`);
}

/** A link that stays on this page. An anchor, since a button would not break over lines. */
function inPlace(go, words) {
  const follow = (event) => {
    event.preventDefault();
    go();
  };
  return h("a", { href: "#", class: "mention link", onclick: follow }, words);
}

const mention = (words, mine) => h("span", { class: mine ? "mention mine" : "mention" }, words);

function moment(date, style) {
  const node = h("time", { class: "moment", datetime: date.toISOString(), title: timestamp(date, "F") }, timestamp(date, style));
  if (style === "R") node.dataset.relative = date.getTime();
  return node;
}

function bar(cells) {
  const filled = [...cells].filter((cell) => cell === "▰").length;
  const label = `${filled} of ${cells.length} parts`;
  return h("span", { class: "bar", role: "img", "aria-label": label }, [...cells].map((cell) => h("i", { class: cell === "▰" ? "on" : "" })));
}

/** Keep relative times true. */
setInterval(() => {
  for (const node of document.querySelectorAll("time[data-relative]")) {
    node.textContent = timestamp(new Date(Number(node.dataset.relative)), "R");
  }
}, 5000);
