// The Slack workspace as its people see it: a channel, and the open thread beside it.

import { blocks, stamp } from "./blocks.js";
import { composer } from "./composer.js";
import { fill, h, icon, reconcile, stick, walkable } from "/look/dom.js";
import { appTabs, suggestions } from "./home.js";
import { emoji, markdown, mrkdwn } from "./text.js";
import { count, lately, onDay } from "/look/words.js";
import { avatar } from "./faces.js";

const TOGETHER_SECONDS = 300;
const QUICK_REACTIONS = ["white_check_mark", "eyes", "+1"];

export function slackView(app) {
  const channel = pane(app, "channel");
  const thread = pane(app, "thread");
  const element = h("div", { class: "split" }, channel.element, thread.element);
  const update = () => {
    const { route, messages } = app.state;
    const root = route.thread && messages.find((m) => m.ts === route.thread);
    element.classList.toggle("open", Boolean(route.thread));
    channel.update(messages.filter(isRoot), null);
    thread.update(route.thread ? messages.filter((m) => m.ts === route.thread || m.thread_ts === route.thread) : [], route.thread, root);
  };
  return { element, update };
}

const isRoot = (message) => !message.thread_ts || message.thread_ts === message.ts;

function pane(app, kind) {
  const title = h("h2");
  const about = h("span", { class: "muted" });
  const back = h("button", { class: "quiet close", type: "button", "aria-label": "Close the thread", title: "Close the thread (Esc)", onclick: () => app.go({ thread: null }) }, "✕");
  const list = h("ol", { class: "messages" });
  const empty = h("p", { class: "nothing" });
  const scroller = h("div", { class: "scroller", role: "log", "aria-live": "polite", "aria-relevant": "additions text", "aria-label": "Messages" }, empty, list);
  const status = h("div", { class: "status", role: "status" });
  const foot = h("div", { class: "pane-foot" });
  const element = h("section", { class: `pane ${kind}`, "aria-label": kind === "thread" ? "Thread" : "Channel" },
    h("header", { class: "pane-head" }, title, about, kind === "thread" && back), scroller, status, foot);
  const tabs = kind === "channel" ? appTabs(app) : null;
  if (tabs) (element.querySelector(".pane-head").after(tabs.bar), scroller.before(tabs.body));
  const ensureStop = walkable(list, ".message");
  let shown = null;

  list.addEventListener("keydown", (event) => {
    const row = event.target.closest(".message");
    if (event.key === "Enter" && event.target === row && kind === "channel") app.go({ thread: row.dataset.key });
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && kind === "thread" && !event.defaultPrevented) app.go({ thread: null });
  });

  function write(thread) {
    const { me, route } = app.state;
    const key = `${me.id}/${route.place}/${thread ?? ""}`;
    if (shown === key) return false;
    const drafts = app.drafts;
    if (shown) drafts.set(shown, foot.querySelector("textarea")?.value ?? "");
    shown = key;
    const box = composer({
      options: (sign) => completions(app, sign),
      send: (text) => (text.startsWith("/parley") && !thread ? app.command(text) : app.say(text, thread)),
    });
    fill(foot, box.element);
    box.area.value = drafts.get(key) ?? "";
    box.area.dispatchEvent(new Event("input"));
    return true;
  }

  function update(messages, thread, root) {
    const fresh = write(thread);
    const area = foot.querySelector("textarea");
    for (const name of ["placeholder", "aria-label"]) area.setAttribute(name, thread ? "Reply in this thread" : `Message ${placeName(app)}`);
    fill(title, thread ? "Thread" : placeName(app));
    fill(about, thread ? placeName(app) : placeAbout(app));
    const rows = kind === "thread" && root === undefined ? [] : withDays(messages, kind);
    stick(scroller, () => reconcile(list, rows, {
      key: (row) => row.key,
      sign: (row) => [row, app.state.me.id, app.state.failures.get(row.message?.ts), app.state.editing === row.key, kind === "channel" && row.message?.ts === app.state.route.thread],
      build: (row) => (row.day ? h("li", { class: "day" }, h("span", {}, row.day)) : messageRow(app, row, kind)),
    }), fresh);
    ensureStop();
    fill(empty, kind === "channel" ? (suggestions(app) ?? beginning(app)) : "");
    empty.hidden = rows.length > 0;
    const home = tabs?.update() ?? false;
    for (const part of [scroller, status, foot]) part.hidden = home;
    const words = app.state.statuses.filter((s) => s.status && (thread ? s.thread_ts === thread : false));
    fill(status, words.map((s) => h("span", {}, h("i", { class: "dots", "aria-hidden": "true" }), `Parley ${s.status}`)),
      thread && app.state.statuses.some((s) => s.session === "processing" && s.thread_ts === thread) &&
        h("button", { type: "button", class: "button stop", onclick: () => app.stop(thread) }, "Stop"));
  }
  return { element, update };
}

/** Messages and the days between them; `joined` when it continues the one above. */
function withDays(messages, kind) {
  const rows = [];
  let previous = null;
  for (const message of messages) {
    const newDay = !previous || onDay(previous.ts) !== onDay(message.ts);
    if (newDay && kind === "channel") rows.push({ key: `day-${message.ts}`, day: onDay(message.ts) });
    const joined = !newDay && author(previous) === author(message) && message.ts - previous.ts < TOGETHER_SECONDS && !previous.ephemeral && !message.ephemeral && !previous.reply_count;
    const below = kind === "thread" && !previous ? message.reply_count : 0;
    rows.push({ key: message.ts, message, joined, below });
    previous = message;
  }
  return rows;
}

const author = (message) => message.user ?? message.bot_id;

function messageRow(app, { message, joined, below }, kind) {
  const { me, route } = app.state;
  const name = message.name || app.names.user(author(message));
  const isApp = Boolean(message.bot_id);
  const failure = app.state.failures.get(message.ts);
  const classes = ["message", joined && "joined", message.ephemeral && "ephemeral", message.streaming && "streaming", kind === "channel" && route.thread === message.ts && "current"];
  return h("li", { class: classes, tabindex: -1, "aria-label": `${name}: ${message.text ?? ""}`.slice(0, 200) },
    message.ephemeral && h("div", { class: "only-you" }, icon("eye"), "Only visible to you"),
    h("div", { class: "gutter" }, joined ? stamp(message.ts) : avatar(name, { app: isApp })),
    h("div", { class: "message-body" },
      !joined && h("div", { class: "message-head" }, h("strong", {}, name), isApp && h("span", { class: "tag" }, "APP"), stamp(message.ts)),
      app.state.editing === message.ts ? editor(app, message) : content(app, message),
      message.edited && !isApp && h("span", { class: "muted small" }, " (edited)"),
      failure && h("p", { class: "field-error", role: "alert" }, failure),
      reactions(app, message),
      kind === "channel" && threadLink(app, message),
      below > 0 && h("div", { class: "replies-rule" }, h("span", {}, count(below, "reply", "replies")))),
    !message.ephemeral && app.state.editing !== message.ts && toolbar(app, message, kind, author(message) === me.slack));
}

/** One message that cannot be drawn must not hide the others. */
function content(app, message) {
  try {
    return drawn(app, message);
  } catch {
    return h("div", { class: "text" }, message.text);
  }
}

function drawn(app, message) {
  const surface = {
    names: app.names,
    act: (block, element, choice) => app.press(message, block, element, choice),
  };
  if (message.blocks?.length) return h("div", { class: "blocks" }, blocks(message.blocks, surface));
  if (message.markdown_text) return markdown(message.markdown_text, app.names);
  return mrkdwn(message.text, app.names);
}

function threadLink(app, message) {
  if (!message.reply_count) return null;
  const replies = app.state.messages.filter((m) => m.thread_ts === message.ts && m.ts !== message.ts && !m.ephemeral);
  const authors = [...new Map(replies.map((m) => [author(m), m])).values()].slice(0, 3);
  const last = replies.at(-1)?.ts ?? message.ts;
  return h("button", { class: "thread-link", type: "button", onclick: () => app.go({ thread: message.ts }) },
    authors.map((m) => avatar(m.name || app.names.user(author(m)), { app: Boolean(m.bot_id), size: "tiny" })),
    h("strong", {}, count(message.reply_count, "reply", "replies")), h("span", { class: "muted" }, `Last at ${lately(last)}`));
}

function reactions(app, message) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map(({ name, users }) =>
    h("button", { type: "button", class: ["reaction", users.includes(app.state.me.slack) && "mine"], title: users.map(app.names.user).join(", "), onclick: () => app.react(message, name) },
      emoji(name), ` ${users.length}`)));
}

function toolbar(app, message, kind, mine) {
  const tool = (label, glyph, action) => h("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick: action }, glyph);
  return h("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" },
    QUICK_REACTIONS.map((name) => tool(`React with ${name.replaceAll("_", " ")}`, emoji(name), () => app.react(message, name))),
    kind === "channel" && tool("Reply in thread", icon("thread"), () => app.go({ thread: message.ts })),
    !message.bot_id && tool("Ask Parley about this", icon("mark"), () => app.askAbout(message)),
    mine && tool("Edit", icon("edit"), () => app.edit(message.ts)),
    mine && tool("Delete", icon("bin"), () => app.remove(message)));
}

function editor(app, message) {
  const field = h("textarea", { rows: 2, "aria-label": "Edit the message", value: app.names.readable(message.text) });
  const done = (save) => (save ? app.change(message, field.value.trim()) : app.edit(null));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") (event.preventDefault(), event.stopPropagation(), done(false));
    if (event.key === "Enter" && !event.shiftKey) (event.preventDefault(), done(true));
  });
  queueMicrotask(() => field.focus());
  return h("div", { class: "editor" }, field,
    h("button", { type: "button", class: "button", onclick: () => done(false) }, "Cancel"),
    h("button", { type: "button", class: "button primary", onclick: () => done(true) }, "Save"));
}

export function placeName(app) {
  const channel = app.channel();
  if (!channel) return "";
  return channel.kind === "im" ? app.names.user(app.imOther(channel)) : `#${channel.name}`;
}

function beginning(app) {
  const im = app.channel()?.kind === "im";
  return im ? "Nothing said yet. Each message here starts a thread of its own." : ["Nothing said yet. Parley joins in where it is mentioned: ", h("code", {}, "@parley …")];
}

function placeAbout(app) {
  const channel = app.channel();
  return channel && channel.kind !== "im" ? count(channel.members.length, "member") : "";
}

function completions(app, sign) {
  if (sign === "#") return app.state.slack.channels.filter((c) => c.kind === "channel").map((c) => ({ name: c.name, label: `#${c.name}`, hint: "" }));
  const users = app.state.slack.users.map((u) => ({ name: u.name, label: u.real_name, hint: u.is_bot ? "app" : `@${u.name}`, first: u.is_bot }));
  return users.sort((a, b) => Number(b.first) - Number(a.first));
}
