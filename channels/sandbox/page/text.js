// Slack's mrkdwn, and Markdown, as nodes. What a person or a model wrote can only ever become text, links and a few plain tags.

import { h } from "/look/dom.js";
import { at, day, onDay } from "/look/words.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", eyes: "👀", "+1": "👍", thumbsup: "👍", "-1": "👎", tada: "🎉",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", rotating_light: "🚨", question: "❓", pray: "🙏", wave: "👋", heart: "❤️", rocket: "🚀",
  no_entry: "⛔", lock: "🔒", pencil2: "✏️", robot_face: "🤖", email: "📧", speech_balloon: "💬", double_vertical_bar: "⏸️",
};

export const emoji = (name) => EMOJI[name] ?? `:${name}:`;

/** Slack escapes exactly these three (documented under "Formatting text for app surfaces"). */
export const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

export function link(url, label) {
  const safe = /^(https?:|mailto:)/i.test(url);
  return safe ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : document.createTextNode(label);
}

/** Text in which addresses can be followed, and nothing else happens. */
export function plain(text) {
  return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/).map((part, i) => (i % 2 ? link(part, part) : part));
}

const INLINE = [
  [/^`([^`\n]+)`/, (m) => h("code", {}, unescape(m[1]))],
  [/^<@([UW]\w+)(?:\|[^>]*)?>/, (m, names) => h("span", { class: "mention" }, `@${names.user(m[1])}`)],
  [/^<#(C\w+)(?:\|([^>]*))?>/, (m, names) => h("span", { class: "mention" }, `#${m[2] || names.channel(m[1])}`)],
  [/^<!date\^(\d+)\^([^|>^]*)[^|>]*\|([^>]*)>/, (m) => h("time", { title: unescape(m[3]) }, dated(m[1], unescape(m[2])))],
  [/^<!(?:subteam\^\w+\|)?@?([^>|]+)(?:\|[^>]*)?>/, (m) => h("span", { class: "mention" }, `@${m[1]}`)],
  [/^<(https?:[^|>]+|mailto:[^|>]+)(?:\|([^>]*))?>/, (m) => link(unescape(m[1]), unescape(m[2] || m[1].replace(/^mailto:/, "")))],
  [/^:([a-z0-9_+-]+):/, (m) => emoji(m[1])],
];

const DEEPEST = 6; // emphasis in emphasis; what lies deeper stays as it was typed
const CODE = "`[^`\\n]+`"; // a mark inside code ends nothing
const EMPHASIS = { "*": "strong", _: "em", "~": "s" };

/** A moment on the reader's own clock, in a format with Slack's tokens such as {time} and {date_short_pretty}. */
const dated = (seconds, format) => format.replace(/\{(\w+)\}/g, (_, token) => (token.startsWith("time") ? at(seconds) : token.includes("pretty") ? onDay(seconds) : day(seconds)));

function inline(text, names, depth = 0) {
  const out = [];
  let rest = text;
  let before = "";
  let buffer = "";
  const flush = () => {
    if (buffer) out.push(unescape(buffer));
    buffer = "";
  };
  while (rest) {
    const found = special(rest, before, names, depth);
    if (found) {
      flush();
      out.push(found.node);
      before = rest[found.length - 1];
      rest = rest.slice(found.length);
    } else {
      before = rest[0];
      buffer += rest[0];
      rest = rest.slice(1);
    }
  }
  flush();
  return out;
}

function special(rest, before, names, depth) {
  for (const [pattern, make] of INLINE) {
    const m = pattern.exec(rest);
    if (m) return { node: make(m, names), length: m[0].length };
  }
  if (!EMPHASIS[rest[0]] || /\w/.test(before) || depth === DEEPEST) return null;
  const mark = rest[0] === "*" ? "\\*" : rest[0];
  const m = new RegExp(`^${mark}(?!\\s)((?:${CODE}|[^\`\\n])*?(?:${CODE}|[^\`\\s]))${mark}(?!\\w)`).exec(rest);
  return m && { node: h(EMPHASIS[rest[0]], {}, inline(m[1], names, depth + 1)), length: m[0].length };
}

/** Lines of one kind together: quotes, and the rest. */
function paragraphs(text, names) {
  const out = [];
  let quote = null;
  for (const line of text.split("\n")) {
    const m = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (m) {
      if (!quote) out.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(m[1], names));
    } else {
      if (out.length && !quote) out.push(h("br"));
      quote = null;
      out.push(...inline(line, names));
    }
  }
  return out;
}

/** Slack's own format. `names.user(id)` and `names.channel(id)` say what ids are called. */
export function mrkdwn(text, names) {
  const parts = String(text ?? "").split(/```\n?([\s\S]*?)```\n?/);
  return h("div", { class: "text" }, parts.map((part, i) => (i % 2 ? h("pre", {}, unescape(part)) : part && paragraphs(part.replace(/\n$/, ""), names))));
}

// Markdown, as far as a chat message uses it

const MARKS = [
  [/^`([^`]+)`/, (m) => h("code", {}, m[1])],
  [/^\*\*(.+?)\*\*/, (m, names, depth) => h("strong", {}, span(m[1], names, depth))],
  [/^\*(?!\s)([^*\n]+?)\*/, (m, names, depth) => h("em", {}, span(m[1], names, depth))],
  [/^_(?!\s)([^_\n]+?)_(?!\w)/, (m, names, depth) => h("em", {}, span(m[1], names, depth))],
  [/^~~(.+?)~~/, (m, names, depth) => h("s", {}, span(m[1], names, depth))],
  [/^\[([^\]]+)\]\(([^)\s]+)\)/, (m) => link(m[2], m[1])],
  [/^<@([UW]\w+)>/, (m, names) => h("span", { class: "mention" }, `@${names.user(m[1])}`)],
  [/^https?:\/\/[^\s<>"')]+[^\s<>"').,;:!?]/, (m) => link(m[0], m[0])],
];

function span(text, names, depth = 0) {
  if (depth > DEEPEST) return [text];
  const out = [];
  let buffer = "";
  for (let i = 0; i < text.length; ) {
    const rest = text.slice(i);
    const hit = MARKS.map(([pattern, make]) => [pattern.exec(rest), make]).find(([m]) => m);
    if (hit && !(/[_*]/.test(rest[0]) && /\w/.test(text[i - 1] ?? " "))) {
      if (buffer) out.push(buffer);
      buffer = "";
      out.push(hit[1](hit[0], names, depth + 1));
      i += hit[0][0].length;
    } else {
      buffer += text[i++];
    }
  }
  if (buffer) out.push(buffer);
  return out;
}

const BLOCK = /^(#{1,6} |```|> ?|\s*[-*+] |\s*\d+[.)] |\|.*\||---+\s*$)/;

export function markdown(text, names) {
  const lines = String(text ?? "").split("\n");
  const out = h("div", { class: "text markdown" });
  while (lines.length) {
    const line = lines[0];
    const heading = /^(#{1,6}) (.*)$/.exec(line);
    if (!line.trim()) lines.shift();
    else if (heading) out.append(h(`h${Math.min(6, heading[1].length + 2)}`, {}, span(lines.shift().slice(heading[1].length + 1), names)));
    else if (line.startsWith("```")) out.append(fence(lines));
    else if (/^---+\s*$/.test(line)) out.append((lines.shift(), h("hr")));
    else if (/^> ?/.test(line)) out.append(h("blockquote", {}, joined(taken(lines, (l) => /^> ?/.test(l)).map((l) => l.replace(/^> ?/, "")), names)));
    else if (/^\s*[-*+] /.test(line)) out.append(h("ul", {}, taken(lines, (l) => /^\s*[-*+] /.test(l)).map((l) => h("li", {}, span(l.replace(/^\s*[-*+] /, ""), names)))));
    else if (/^\s*\d+[.)] /.test(line)) out.append(h("ol", {}, taken(lines, (l) => /^\s*\d+[.)] /.test(l)).map((l) => h("li", {}, span(l.replace(/^\s*\d+[.)] /, ""), names)))));
    else if (/^\|.*\|\s*$/.test(line)) out.append(table(taken(lines, (l) => /^\|.*\|\s*$/.test(l)), names));
    else out.append(h("p", {}, joined([lines.shift(), ...taken(lines, (l) => l.trim() && !BLOCK.test(l))], names)));
  }
  return out;
}

function taken(lines, wanted) {
  const out = [];
  while (lines.length && wanted(lines[0])) out.push(lines.shift());
  return out;
}

function fence(lines) {
  lines.shift();
  const body = taken(lines, (l) => !l.startsWith("```"));
  lines.shift();
  return h("pre", {}, body.join("\n"));
}

const joined = (lines, names) => lines.flatMap((line, i) => (i ? [h("br"), ...span(line, names)] : span(line, names)));

function table(rows, names) {
  const cells = rows.filter((row) => !/^\|[\s:|-]+\|\s*$/.test(row)).map((row) => row.trim().slice(1, -1).split("|").map((cell) => span(cell.trim(), names)));
  return h("table", {}, cells.map((row, i) => h("tr", {}, row.map((cell) => h(i ? "td" : "th", {}, cell)))));
}
