// A mailbox: its conversations, the open one as a thread of mails, and the form to write one.

import { fill, h, icon, reconcile, walkable } from "/look/dom.js";
import { avatar } from "./faces.js";
import { plain } from "./text.js";
import { lately, oneLine, quoted, shorten } from "/look/words.js";

/** Mails that answer each other, newest conversation first. A conversation's id is its first mail's Message-ID. */
export function conversations(mails) {
  const of = new Map();
  for (const mail of mails) {
    const near = [mail.message_id, mail.in_reply_to, ...list(mail.references)].filter(Boolean).map(bare);
    const found = near.map((id) => of.get(id)).find(Boolean) ?? { id: bare(mail.message_id), mails: [] };
    found.mails.push(mail);
    for (const id of near) of.set(id, of.get(id) ?? found);
  }
  const all = [...new Set(of.values())].filter((c) => c.mails.length);
  return all.sort((a, b) => stampOf(b.mails.at(-1)) - stampOf(a.mails.at(-1)));
}

export const bare = (id) => String(id ?? "").trim().replace(/^<|>$/g, "");
const list = (value) => (Array.isArray(value) ? value : String(value ?? "").split(/[\s,]+/)).filter(Boolean);
const stampOf = (mail) => (typeof mail.at === "number" ? mail.at : Date.parse(mail.at) / 1000);

export function mailView(app) {
  const inbox = h("div", { class: "scroller", role: "list", "aria-label": "Conversations" });
  const left = h("section", { class: "pane channel", "aria-label": "Mailbox" },
    h("header", { class: "pane-head" }, h("h2", {}, "Mail"), h("span", { class: "muted grow ellipsis", id: "mail-address" }),
      h("button", { class: "button primary", type: "button", onclick: () => app.go({ place: "new" }) }, icon("edit"), "New mail")), inbox);
  const right = h("section", { class: "pane thread", "aria-label": "Conversation" });
  const element = h("div", { class: "split open mail" }, left, right);
  const ensureStop = walkable(inbox, ".conversation");
  let drawn = null;

  function update() {
    const { me, mails, route } = app.state;
    const all = conversations(mails);
    const open = all.find((c) => c.mails.some((mail) => bare(mail.message_id) === route.place));
    fill(left.querySelector("#mail-address"), me.email);
    element.classList.toggle("open", Boolean(route.place));
    reconcile(inbox, all.length ? all : [null], {
      key: (c) => c?.id ?? "none",
      sign: (c) => [c?.mails.map((m) => [m.id, m.read]), c === open],
      build: (c) => (c ? conversationRow(app, c, c === open) : h("p", { class: "nothing" }, "No mail yet.")),
    });
    ensureStop();
    const key = `${me.id}/${route.place === "new" ? "new" : open?.id}`;
    if (drawn?.key !== key) drawn = { key, ...(route.place === "new" ? writing(app) : open ? reading(app) : nothing(route.place)) };
    if (right.firstChild !== drawn.element) fill(right, drawn.element);
    drawn.update?.(open);
  }
  return { element, update };
}

const nothing = (place) => ({ element: h("div", { class: "nothing" }, place ? "This mail is not in the mailbox (any more)." : "Choose a conversation, or write a new mail.") });

function conversationRow(app, conversation, open) {
  const last = conversation.mails.at(-1);
  const unread = conversation.mails.filter((m) => m.direction === "in" && !m.read).length;
  const others = [...new Set(conversation.mails.map((m) => (m.direction === "out" ? "me" : nameOf(m.from))))];
  return h("div", { role: "listitem" },
    h("button", { class: ["conversation", unread && "unread"], type: "button", "aria-current": open ? "true" : null, onclick: () => app.go({ place: conversation.id }) },
      h("span", { class: "who" }, others.join(", "), conversation.mails.length > 1 && h("span", { class: "muted" }, ` ${conversation.mails.length}`)),
      h("time", { class: "muted" }, lately(last.at)),
      h("span", { class: "subject" }, last.subject || "(no subject)"),
      h("span", { class: "snippet muted" }, shorten(oneLine(parts(last.text).own), 90)),
      unread > 0 && h("span", { class: "badge", "aria-label": `${unread} unread` }, unread)));
}

export function nameOf(address) {
  const m = /^\s*"?([^"<]*?)"?\s*<([^>]+)>\s*$/.exec(address ?? "");
  return m?.[1] || m?.[2] || String(address ?? "");
}
export const mailboxOf = (address) => /<([^>]+)>/.exec(address ?? "")?.[1] ?? String(address ?? "").trim();

// Reading

function reading(app) {
  const title = h("h2");
  const listing = h("div", { class: "mails" });
  const foot = h("div", { class: "pane-foot" });
  const scroller = h("div", { class: "scroller" }, listing);
  const element = h("div", { class: "pane-fill" },
    h("header", { class: "pane-head" }, h("button", { class: "quiet back", type: "button", "aria-label": "Back to the mailbox", onclick: () => app.go({ place: null }) }, "‹"), title),
    scroller, foot);
  let shown = 0;
  let answered = null;

  const update = (conversation) => {
    fill(title, conversation.mails[0].subject || "(no subject)");
    const more = conversation.mails.length > shown;
    shown = conversation.mails.length;
    reconcile(listing, conversation.mails, { key: (mail) => mail.id, sign: (mail) => ({ ...mail, read: null }), build: card });
    if (more) listing.lastElementChild.scrollIntoView({ block: "start" });
    const target = conversation.mails.findLast((mail) => mail.direction === "in") ?? conversation.mails.at(-1);
    if (answered?.id !== target.id && !foot.querySelector("textarea")?.value) fill(foot, replyForm(app, conversation));
    answered = target;
    for (const mail of conversation.mails) if (mail.direction === "in" && !mail.read) app.readMail(mail);
  };
  return { element, update };
}

function card(mail) {
  const from = nameOf(mail.from);
  const { own, rest } = parts(mail.text);
  const body = h("div", { class: "mail-body" });
  const asText = () => fill(body, h("div", { class: "mail-text" }, plain(own)), rest && h("details", { class: "quote" }, h("summary", { title: "Show what was quoted" }, "•••"), h("div", { class: "mail-text muted" }, plain(rest))));
  const asHtml = () => fill(body, frame(mail.html));
  const toggle = mail.html && h("button", { class: "quiet small", type: "button", "aria-pressed": "false", onclick: (event) => {
    const html = event.target.getAttribute("aria-pressed") === "true";
    event.target.setAttribute("aria-pressed", String(!html));
    fill(event.target, html ? "Plain text" : "As HTML");
    (html ? asHtml : asText)();
  } }, "Plain text");
  (mail.html ? asHtml : asText)();
  return h("article", { class: ["mail-card", mail.direction], "aria-label": `Mail from ${from}` },
    h("header", {}, avatar(from, { app: /^parley\b/i.test(from) }),
      h("div", { class: "grow" },
        h("div", { class: "row" }, h("strong", { class: "grow ellipsis" }, mail.direction === "out" ? `${from} (you)` : from), toggle, h("time", { class: "muted small", title: quoted(mail.at) }, lately(mail.at))),
        h("div", { class: "muted small address" }, mailboxOf(mail.from), mail.auto && [" ", h("span", { class: "tag", title: "Marked as automatic: Auto-Submitted" }, "automatic")]),
        h("div", { class: "muted small address" }, `to ${[...list2(mail.to), ...list2(mail.cc)].map(nameOf).join(", ")}`))),
    body);
}

const list2 = (value) => (Array.isArray(value) ? value : value ? [value] : []);

/** What was newly written, and what was quoted below it. */
export function parts(text) {
  const lines = String(text ?? "").replace(/\r\n/g, "\n").split("\n");
  const first = lines.findIndex((line, i) => /^>/.test(line) || (/^(On|Am|Le) .*(wrote|schrieb|écrit)\s*:\s*$/.test(line) && /^\s*(>|$)/.test(lines[i + 1] ?? "")) || /^-{3,} ?Original Message/i.test(line) || (/^_{20,}$/.test(line)) || (/^From: /.test(line) && /^Sent: /.test(lines[i + 1] ?? "")));
  if (first < 0) return { own: lines.join("\n").trimEnd(), rest: "" };
  return { own: lines.slice(0, first).join("\n").trimEnd(), rest: lines.slice(first).join("\n").trim() };
}

const TALLEST_MAIL = 1600; // pixels
const policy = window.trustedTypes?.createPolicy("mail", { createHTML: (html) => html });

/** A mail's HTML in a frame without scripts, without forms, without the network, that can only open links in new tabs. */
function frame(html) {
  const view = h("iframe", { class: "mail-frame", title: "The mail as HTML", sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox", referrerpolicy: "no-referrer" });
  const sheet = "html{height:auto!important}body{margin:0;padding:2px 0 8px;height:auto!important;font:15px/1.5 system-ui,sans-serif;color:#1d1c1a;overflow-wrap:anywhere}img{max-width:100%}";
  const policyOfTheFrame = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policyOfTheFrame}"><base target="_blank"><style>${sheet}</style>${html}`;
  view.addEventListener("load", () => {
    const body = view.contentDocument?.body; // allow-same-origin without allow-scripts: we may measure it, it can do nothing
    const fit = () => (view.style.height = `${Math.min(TALLEST_MAIL, body.ownerDocument.documentElement.offsetHeight + 2)}px`);
    if (body) new ResizeObserver(fit).observe(body);
  });
  view.srcdoc = policy ? policy.createHTML(page) : page;
  return view;
}

// Writing

const QUOTES = {
  gmail: ["as Gmail does", (mail) => `\n\nOn ${quoted(mail.at)}, ${nameOf(mail.from)} <${mailboxOf(mail.from)}> wrote:\n\n${mail.text.trimEnd().replace(/^/gm, "> ").replace(/^> $/gm, ">")}\n`],
  outlook: ["as Outlook does", (mail) => `\n\n________________________________\nFrom: ${nameOf(mail.from)} <${mailboxOf(mail.from)}>\nSent: ${quoted(mail.at)}\nTo: ${list2(mail.to).join("; ")}\nSubject: ${mail.subject}\n\n${mail.text.trimEnd()}\n`],
  none: ["not at all", () => ""],
};

function replyForm(app, conversation) {
  const mail = conversation.mails.findLast((m) => m.direction === "in");
  const target = mail ?? conversation.mails.at(-1);
  const to = mail ? [mail.reply_to || mail.from].flat() : target.to;
  const area = h("textarea", { rows: 2, "aria-label": "Your reply", placeholder: `Reply to ${mail ? nameOf(mail.from) : list2(to).map(nameOf).join(", ")}` });
  const style = h("select", { id: "quote-style" }, Object.entries(QUOTES).map(([value, [label]]) => h("option", { value }, label)));
  const forger = forgery(app);
  const send = async () => {
    if (!area.value.trim()) return;
    const sent = await app.sendMail({
      ...forger.sender(),
      to: list2(to),
      subject: /^re:/i.test(target.subject) ? target.subject : `Re: ${target.subject}`,
      text: area.value.trimEnd() + QUOTES[style.value][1](target),
      in_reply_to: target.message_id,
      references: [...list(target.references), target.message_id],
    });
    if (sent) area.value = "";
  };
  return form(area, send, "Reply", h("details", { class: "options" }, h("summary", {}, "Options"),
    h("label", { class: "row" }, "Quote the mail ", style), forger.element));
}

function writing(app) {
  const to = h("input", { id: "mail-to", list: "mail-addresses", placeholder: "support@example.com", autocomplete: "off", spellcheck: "false" });
  const subject = h("input", { id: "mail-subject", autocomplete: "off" });
  const area = h("textarea", { rows: 9, "aria-label": "Text" });
  const known = [...app.state.cast.mailboxes, ...app.state.cast.people.map((p) => p.email)];
  const forger = forgery(app);
  const send = async () => {
    if (!to.value.trim() || !area.value.trim()) return (to.value.trim() ? area : to).focus();
    const id = await app.sendMail({ ...forger.sender(), to: to.value.split(/[,;]\s*/).filter(Boolean), subject: subject.value, text: area.value });
    if (id) app.go({ place: bare(id) });
    return null;
  };
  queueMicrotask(() => to.focus());
  const element = h("div", { class: "pane-fill" },
    h("header", { class: "pane-head" }, h("button", { class: "quiet back always", type: "button", "aria-label": "Back to the mailbox", onclick: () => app.go({ place: null }) }, "‹"), h("h2", {}, "New mail")),
    h("div", { class: "scroller padded" },
      h("datalist", { id: "mail-addresses" }, known.map((address) => h("option", { value: address }))),
      h("label", { class: "line" }, h("span", {}, "To"), to),
      h("label", { class: "line" }, h("span", {}, "Subject"), subject),
      form(area, send, "Send", h("details", { class: "options" }, h("summary", {}, "Options"), forger.element))));
  return { element };
}

function form(area, send, label, options) {
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) (event.preventDefault(), send());
  });
  return h("form", { class: "mail-form", onsubmit: (event) => (event.preventDefault(), send()) }, area,
    h("div", { class: "mail-form-foot" }, options, h("button", { class: "button primary", type: "submit", title: "Ctrl+Enter" }, icon("send"), label)));
}

/** Anybody can write anybody's name into From. What nobody can write is the proof that the server stamps. */
function forgery(app) {
  const { me, cast } = app.state;
  const box = h("input", { type: "checkbox" });
  const who = h("select", { "aria-label": "Whose address" }, cast.people.map((p) => h("option", { value: p.email, selected: p.id === me.id }, `${p.name} <${p.email}>`)));
  const element = h("div", { class: "forger" }, h("label", { class: "row" }, box, "Send as a forger would. From says:"), who, h("p", { class: "hint" }, "It goes out without signing in, so the server stamps dmarc=fail on it. Parley reads such a mail, and lets it decide nothing."));
  who.addEventListener("change", () => (box.checked = true));
  return { element, sender: () => (box.checked ? { from: who.value, spoof: true } : { from: me.email }) };
}

