// Words for sizes and times.

export const SYMBOLS = ["B", "KB", "MB", "GB"];

/** Bytes as people read them. */
export function bytes(count) {
  let unit = 0;
  while (count >= 1024 && unit < SYMBOLS.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${SYMBOLS[unit]}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

export const timeOf = (date) => clock.format(date);
export const dayOf = (date) => day.format(date);

const STYLES = {
  t: { hour: "2-digit", minute: "2-digit" },
  T: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  d: { day: "2-digit", month: "2-digit", year: "numeric" },
  D: { day: "numeric", month: "long", year: "numeric" },
  f: { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  F: { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
};
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** A timestamp in one of Discord's styles; R is relative to now. */
export function timestamp(date, style = "f") {
  if (style !== "R") return new Intl.DateTimeFormat(undefined, STYLES[style] ?? STYLES.f).format(date);
  const seconds = Math.round((date - Date.now()) / 1000);
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.trunc(seconds / length), unit);
}

/** “1 message”, “3 messages”. */
export const several = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
