// What the bot registered, as a member picks it: one row per command, subcommands by their whole name.

import { h } from "./dom.js";
import { avatar } from "./avatar.js";

export const TYPE = { sub: 1, group: 2, string: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, file: 11 };
export const COMMAND = { chat: 1, user: 2, message: 3 };

/** The leaves of chat commands: {path, description, options}, options with the required ones first. */
export function leaves(commands) {
  return commands.filter((command) => command.type === COMMAND.chat).flatMap((command) => below(command.name, command));
}

function below(path, node) {
  const options = node.options ?? [];
  const nested = options.filter((option) => option.type === TYPE.sub || option.type === TYPE.group);
  if (nested.length) return nested.flatMap((option) => below(`${path} ${option.name}`, option));
  const sorted = [...options.filter((option) => option.required), ...options.filter((option) => !option.required)];
  return [{ path, description: node.description, options: sorted }];
}

/** Rows for the commands that fit what was typed after the slash, best first. */
export function commandRows(all, typed, bot, pick) {
  const wanted = typed.toLowerCase();
  const score = (leaf) => {
    if (leaf.path.startsWith(wanted)) return 0;
    if (leaf.path.includes(wanted)) return 1;
    return leaf.description.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return all
    .map((leaf) => ({ leaf, score: score(leaf) }))
    .filter((one) => one.score < 3)
    .sort((a, b) => a.score - b.score || a.leaf.path.localeCompare(b.leaf.path))
    .map(({ leaf }) => ({
      lead: avatar(bot, 32),
      label: `/${leaf.path}`,
      options: leaf.options.slice(0, 4).map((option) => h("span", {}, option.name)),
      detail: leaf.description,
      hint: bot.name,
      pick: () => pick(leaf),
    }));
}
