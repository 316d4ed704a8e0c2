// Times, sizes and names as people say them.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const longDay = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });

/** A Date from seconds since 1970, a Slack ts or an ISO text. */
export function moment(value) {
  if (typeof value === "string" && !/^\d+(\.\d+)?$/.test(value)) return new Date(value);
  return new Date(Number(value) * 1000);
}

export const at = (value) => clock.format(moment(value));
export const atExactly = (value) => exact.format(moment(value));
export const quoted = (value) => `${full.format(moment(value))} at ${at(value)}`;

const sameDay = (a, b) => a.toDateString() === b.toDateString();

export function onDay(value) {
  const then = moment(value);
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  return sameDay(then, today) ? "Today" : sameDay(then, yesterday) ? "Yesterday" : longDay.format(then);
}

export const day = (value) => shortDay.format(moment(value));

/** The time today, the day before that. */
export const lately = (value) => (sameDay(moment(value), new Date()) ? at(value) : shortDay.format(moment(value)));

/** "since 14:01 UTC" in the reader's own time. */
export function local(words) {
  return String(words ?? "").replace(/\b(\d\d):(\d\d) UTC\b/g, (_, hours, minutes) => clock.format(new Date().setUTCHours(hours, minutes)));
}

export function took(seconds) {
  if (!(seconds >= 0)) return "";
  if (seconds < 0.95) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export const size = (bytes) => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} KB`);
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
/** US dollars; a call costs less than a cent. */
export function money(dollars) {
  if (dollars === 0) return "$0";
  if (dollars < 0.0001) return "< $0.0001";
  return `$${dollars >= 0.995 ? dollars.toFixed(2) : Number(dollars.toPrecision(2))}`;
}

export const tokens = (n) => (n < 1000 ? `${n} tok` : `${(n / 1000).toFixed(1)}k tok`);
export const shorten = (text, length) => (text.length > length ? `${text.slice(0, length - 1).trimEnd()}…` : text);
export const oneLine = (text) => String(text ?? "").replace(/\s+/g, " ").trim();
