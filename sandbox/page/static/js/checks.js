// What Discord's client checks while somebody types. The server checks all of it again when it is sent.

import { TYPE } from "./picker.js";

/** A sentence if `text` does not fit the option, else null. Empty text fits unless the option is required. */
export function fault(option, text) {
  if (text === "") return option.required ? "This option is required. Specify a value." : null;
  if (option.type === TYPE.integer || option.type === TYPE.number) return option.choices || option.autocomplete ? null : number(option, text);
  if (option.type !== TYPE.string || option.choices) return null;
  const length = [...text].length;
  if (option.min_length && length < option.min_length) return `The minimum length is ${option.min_length}.`;
  if (option.max_length && length > option.max_length) return `The maximum length is ${option.max_length}; these are ${length} characters.`;
  return null;
}

function number(option, text) {
  const isWhole = option.type === TYPE.integer;
  const fits = isWhole ? /^-?\d+$/ : /^-?(?:\d+\.?\d*|\.\d+)$/;
  if (!fits.test(text)) return `Enter a ${isWhole ? "whole " : ""}number.`;
  const value = Number(text);
  if (option.min_value !== undefined && value < option.min_value) return `The smallest value is ${option.min_value}.`;
  if (option.max_value !== undefined && value > option.max_value) return `The largest value is ${option.max_value}.`;
  return null;
}

/** The limits of an option in words, for the line under its description. */
export function bounds(option) {
  const { min_value: least, max_value: most, min_length: shortest, max_length: longest } = option;
  if (least !== undefined && most !== undefined) return most > 1e9 ? `${least} or more` : `${least} to ${most}`;
  if (least !== undefined) return `${least} or more`;
  if (most !== undefined) return `${most} or less`;
  if (longest && longest <= 200) return shortest > 1 ? `${shortest} to ${longest} characters` : `up to ${longest} characters`;
  return null;
}
