// The left column: who you are, and where you can go.

import { fill, h, icon, walkable } from "/look/dom.js";
import { avatar } from "./faces.js";

export function placesView(app) {
  const switcher = h("div", { class: "switch", role: "radiogroup", "aria-label": "You are" });
  const you = h("p", { class: "you" });
  const nav = h("nav", { class: "places", "aria-label": "Places" });
  const ensureWho = walkable(switcher, "button");
  const ensurePlace = walkable(nav, ".place");
  let drawn = "";

  const update = () => {
    const { me, cast, slack, mailboxes, route, attention } = app.state;
    const signature = JSON.stringify([me.id, slack?.channels, slack?.users.length, mailboxes, route.view, route.place, [...attention]]);
    if (signature === drawn) return;
    drawn = signature;
    const focused = nav.contains(document.activeElement) ? document.activeElement.dataset.to : switcher.contains(document.activeElement) ? document.activeElement.dataset.to : null;
    fill(switcher, cast.people.map((person) => face(app, person, person.id === me.id, attention.has(person.id))));
    fill(you, h("span", {}, "You are ", h("strong", {}, me.name)), h("span", { class: "role" }, me.title));
    fill(nav, me.slack ? workspace(app) : h("p", { class: "hint" }, `${me.name.split(" ")[0]} is not in the Slack workspace: she writes mail.`), mailbox(app));
    ensureWho();
    ensurePlace();
    if (focused) document.querySelector(`[data-to="${CSS.escape(focused)}"]`)?.focus();
  };
  return { elements: [h("section", { class: "who-box" }, switcher, you), nav], update };
}

function face(app, person, chosen, waiting) {
  return h("button", { type: "button", role: "radio", "aria-checked": String(chosen), "data-to": `be-${person.id}`, title: `${person.name} · ${person.title}`, "aria-label": `${person.name}, ${person.title}${waiting ? ", has something unread" : ""}`, onclick: () => app.be(person.id) },
    avatar(person.name), h("span", { class: "first-name" }, person.name.split(" ")[0]), waiting && h("i", { class: "dot" }));
}

function workspace(app) {
  const { slack } = app.state;
  const channels = (slack?.channels ?? []).filter((c) => c.kind !== "im");
  const ims = new Map((slack?.channels ?? []).filter((c) => c.kind === "im").map((c) => [app.imOther(c), c]));
  const people = [...(slack?.users ?? [])].filter((u) => u.id !== app.state.me.slack).sort((a, b) => Number(b.is_bot) - Number(a.is_bot));
  return [
    h("h3", {}, "Slack"),
    channels.map((c) => place(app, { to: c.id, label: c.name, glyph: icon("hash"), unread: c.unread, open: () => app.go({ view: "slack", place: c.id, thread: null }) })),
    h("h3", {}, "Direct messages"),
    people.map((u) => place(app, { to: ims.get(u.id)?.id ?? u.id, label: u.real_name, glyph: avatar(u.real_name, { app: u.is_bot, size: "tiny" }), unread: ims.get(u.id)?.unread, open: () => app.dm(u.id) })),
  ];
}

function mailbox(app) {
  const { me, mailboxes } = app.state;
  const unread = mailboxes.find((box) => box.address === me.email)?.unread;
  return [h("h3", {}, "Mail"), place(app, { to: "mail", label: me.email, glyph: icon("mail"), unread, open: () => app.go({ view: "mail", place: null }), current: app.state.route.view === "mail" })];
}

function place(app, { to, label, glyph, unread, open, current = app.state.route.view === "slack" && app.state.route.place === to }) {
  return h("button", { type: "button", class: ["place", unread && "unread"], "data-to": to, "aria-current": current ? "page" : null, onclick: open },
    glyph, h("span", { class: "grow ellipsis" }, label), unread > 0 && h("span", { class: "badge", "aria-label": `${unread} unread` }, unread));
}
