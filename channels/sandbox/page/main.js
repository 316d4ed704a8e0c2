// The page put together: one state, what can be done to it, and who looks at it.

import { get, listen, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { avatar } from "./faces.js";
import { bare, conversations, mailView } from "./mail.js";
import { modal } from "./modal.js";
import { placesView } from "./places.js";
import { slackView } from "./slack.js";
import { coachView, startView } from "./stories.js";
import { parleyView } from "./timeline.js";

const START = { as: null, view: "start", place: null, thread: null };

const state = {
  cast: { people: [], channels: [], mailboxes: [] },
  me: null,
  route: START,
  slack: null, // the workspace as I see it
  directory: null, // the same, or as a teammate sees it: for names only
  messages: [],
  statuses: [],
  mailboxes: [],
  mails: [],
  attention: new Set(),
  threads: [],
  thread: null,
  context: null,
  parley: "unknown", // up, down
  model: null,
  live: false,
  pinned: null,
  listing: false,
  showMinor: false,
  acting: false,
  story: JSON.parse(sessionStorage.getItem("story") ?? "null"),
};

const app = {
  state,
  drafts: new Map(),
  failures: new Map(),
  editing: null,
  mailDraft: null,

  // where I am

  go(change) {
    const route = { ...state.route, ...change };
    if (route.view !== "slack") route.thread = null;
    if (change.place !== undefined || change.thread !== undefined || change.view) Object.assign(state, { pinned: null, listing: false });
    const hash = [route.as, route.view, route.place, route.thread].filter(Boolean).map(encodeURIComponent).join("/");
    if (`#${hash}` !== location.hash) history.pushState(null, "", `#${hash}`);
    show(route);
    if (change.view || change.place !== undefined || change.thread !== undefined) tab("talk");
  },

  be(id, change = {}) {
    const person = state.cast.people.find((p) => p.id === id);
    const keeps = state.route.view === "slack" ? person.slack && app.channel()?.kind === "channel" : state.route.view === "start";
    const elsewhere = keeps ? {} : person.slack && state.route.view === "slack" ? { place: firstChannel(), thread: null } : { view: person.slack ? "start" : "mail", place: null, thread: null };
    const mail = state.route.view === "mail" ? { view: "mail", place: null, thread: null } : {};
    app.go({ as: id, ...elsewhere, ...mail, ...change });
  },

  visit(address) {
    if (address.startsWith("slack:")) return app.visitAs(state.me.slack ? state.me.id : team().id, state.thread?.id, "slack:", address);
    const writer = state.thread?.events.find((e) => e.origin?.address === address && e.actor?.id?.startsWith("email:"))?.actor.id.slice(6);
    const reader = state.cast.people.find((p) => p.email === writer) ?? state.me;
    return app.visitAs(reader.id, state.thread?.id, "email:", address);
  },

  /** Be somebody, at a thread's place of that kind. */
  async visitAs(who, id, kind, address) {
    const thread = state.thread?.id === id ? state.thread : await attempt(get(`/parley/threads/${id}`));
    const to = address ?? thread?.addresses.findLast((a) => a.startsWith(kind));
    if (!to) return app.notify("That place does not exist yet.");
    if (kind === "slack:") {
      const [, channel, ts] = to.slice(6).split("/");
      return app.be(who, { view: "slack", place: channel, thread: ts ?? null });
    }
    const person = state.cast.people.find((p) => p.id === who);
    const mails = await get("/sandbox/mail/messages", { address: person.email });
    const ids = thread.addresses.filter((a) => a.startsWith("email:")).map((a) => bare(a.slice(6)));
    const found = conversations(mails).find((c) => c.mails.some((m) => ids.includes(bare(m.message_id))));
    return app.be(who, { view: "mail", place: found?.id ?? bare(to.slice(6)), thread: null });
  },

  channel: () => state.slack?.channels.find((c) => c.id === state.route.place),
  imOther: (channel) => channel.members.find((id) => id !== state.me.slack) ?? channel.members[0],
  imName: (channel) => app.names.user(app.imOther(channel)),

  names: {
    user: (id) => state.directory?.users.find((u) => u.id === id)?.real_name ?? id ?? "somebody",
    channel: (id) => state.directory?.channels.find((c) => c.id === id)?.name ?? id,
    people: () => (state.directory?.users ?? []).filter((u) => !u.is_bot).map((u) => ({ id: u.id, name: u.real_name })),
    readable: (text) => String(text ?? "").replace(/<@(\w+)>/g, (_, id) => `@${state.directory?.users.find((u) => u.id === id)?.name ?? id}`).replace(/<#(\w+)(?:\|[^>]*)?>/g, (_, id) => `#${app.names.channel(id)}`).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"),
  },

  placeWords(address) {
    if (!address?.startsWith("slack:")) return address?.startsWith("email:") ? " by mail" : address ? ` at ${address}` : "";
    const id = address.slice(6).split("/")[1];
    const channel = state.directory?.channels.find((c) => c.id === id);
    return channel && channel.kind !== "im" ? ` in #${channel.name}` : " in a direct message";
  },

  // Slack

  async say(text, thread) {
    const { place } = state.route;
    const sent = await attempt(post("/sandbox/slack/post", { user: state.me.slack, channel: place, text, ...(thread && { thread_ts: thread }) }));
    const toParley = /(^|\s)@parley\b/i.test(text) || app.channel()?.kind === "im";
    if (sent && !thread && toParley && state.route.place === place) app.go({ thread: sent.ts });
    return Boolean(sent);
  },

  async press(message, block, element, choice) {
    const { me, route } = state;
    app.failures.delete(message.ts);
    const answer = await attempt(post("/sandbox/slack/click", { user: me.slack, channel: route.place, ts: message.ts, block_id: block.block_id, action_id: element.action_id, ...choice }));
    if (answer && !answer.ok) app.failures.set(message.ts, answer.error ?? "Parley did not take the click in time. Press again.");
    refresh.slack();
  },

  async react(message, name) {
    await attempt(post("/sandbox/slack/react", { user: state.me.slack, channel: state.route.place, ts: message.ts, name }));
  },

  edit(ts) {
    app.editing = ts;
    draw();
  },

  async change(message, text) {
    app.edit(null);
    if (text) await attempt(post("/sandbox/slack/edit", { user: state.me.slack, channel: state.route.place, ts: message.ts, text }));
  },

  async remove(message) {
    if (message.ts === state.route.thread) app.go({ thread: null });
    await attempt(post("/sandbox/slack/delete", { user: state.me.slack, channel: state.route.place, ts: message.ts }));
  },

  async dm(user) {
    const opened = await attempt(post("/sandbox/slack/dm", { user: state.me.slack, with: user }));
    if (opened) app.go({ view: "slack", place: opened.channel, thread: null });
  },

  // mail

  async sendMail(mail) {
    const sent = await attempt(post("/sandbox/mail/send", mail));
    if (sent && mail.spoof) app.notify("Sent as a forger would. A forger keeps no copy in your mailbox; watch what Parley makes of it.");
    return sent?.message_id;
  },

  async readMail(mail) {
    mail.read = true;
    await attempt(post("/sandbox/mail/read", { address: state.me.email, id: mail.id }));
  },

  // Parley

  list(on) {
    state.listing = on;
    draw();
  },

  pin(thread) {
    Object.assign(state, { pinned: thread.id, listing: false });
    refresh.parley();
  },

  toggleMinor() {
    state.showMinor = !state.showMinor;
    draw();
  },

  openContext(open) {
    state.contextOpen = open;
    if (open) refresh.parley();
  },

  async steer(verb, body) {
    state.acting = true;
    draw();
    const answer = await attempt(post(`/parley/threads/${state.thread.id}/${verb}`, body));
    state.acting = false;
    if (verb === "fork" && answer?.id) {
      app.notify("Forked. You are looking at the new thread; the original stays as it is.");
      state.pinned = answer.id;
    }
    refresh.parley();
  },

  // stories

  async play(story, button) {
    setStory(null);
    if (!story) return draw();
    button.disabled = true;
    await (story.mail ? startByMail(story) : startInSlack(story));
    button.disabled = false;
    return draw();
  },

  notify(text) {
    const note = h("div", { class: "toast" }, text);
    document.querySelector("#toasts").append(note);
    setTimeout(() => note.remove(), 7000);
  },
};

async function startByMail({ id, mail }) {
  const writer = state.cast.people.find((p) => p.id === mail.as);
  const sent = await attempt(post("/sandbox/mail/send", { from: writer.email, to: [mail.to], subject: mail.subject, text: mail.text }));
  if (!sent) return;
  setStory({ id, root: bare(sent.message_id) });
  app.go({ as: writer.id, view: "mail", place: bare(sent.message_id), thread: null });
}

async function startInSlack({ id, slack }) {
  const writer = state.cast.people.find((p) => p.id === slack.as) ?? team();
  const channel = state.directory.channels.find((c) => c.name === slack.channel);
  if (!channel) return app.notify(`There is no #${slack.channel} in bot.toml; this story needs it.`);
  const sent = await attempt(post("/sandbox/slack/post", { user: writer.slack, channel: channel.id, text: slack.text }));
  if (!sent) return null;
  setStory({ id, root: sent.ts });
  return app.go({ as: writer.id, view: "slack", place: channel.id, thread: sent.ts });
}

function setStory(story) {
  state.story = story;
  sessionStorage.setItem("story", JSON.stringify(story && { ...story, events: undefined }));
}

const team = () => state.cast.people.find((p) => p.slack && p.kind === "team") ?? state.cast.people.find((p) => p.slack);
const firstChannel = () => state.directory?.channels.find((c) => c.kind === "channel")?.id ?? null;

async function attempt(promise) {
  try {
    return await promise;
  } catch (error) {
    app.notify(error.message);
    return null;
  }
}

// Asking again, one question at a time; what changes while one is asked is asked for afterwards

function again(ask) {
  let asking = false;
  let dirty = false;
  return async () => {
    if (asking) return void (dirty = true);
    asking = true;
    do {
      dirty = false;
      await ask().catch(() => {});
      draw();
    } while (dirty);
    asking = false;
    return undefined;
  };
}

const refresh = {
  slack: again(async () => {
    const { me, route } = state;
    const user = me.slack ?? team()?.slack;
    if (!user) return;
    const directory = await get("/sandbox/slack/state", { user });
    const room = me.slack && route.view === "slack" && directory.channels.find((c) => c.id === route.place);
    const [told, views] = await Promise.all([
      room ? get("/sandbox/slack/messages", { user, channel: room.id }) : { messages: [], statuses: [] },
      me.slack ? get("/sandbox/slack/modals", { user }) : [],
    ]);
    if (state.me !== me || state.route.place !== route.place) return void refresh.slack();
    Object.assign(state, { directory, slack: me.slack ? directory : null, messages: told.messages, statuses: told.statuses });
    showModal(views);
    const last = told.messages.filter((m) => !m.ephemeral).at(-1);
    if (room?.unread && last && !document.hidden) await post("/sandbox/slack/seen", { user, channel: room.id, ts: last.ts });
  }),

  mail: again(async () => {
    const { me } = state;
    const [mailboxes, mails] = await Promise.all([get("/sandbox/mail/mailboxes"), get("/sandbox/mail/messages", { address: me.email })]);
    if (state.me !== me) return void refresh.mail();
    Object.assign(state, { mailboxes, mails });
  }),

  attention: again(async () => {
    const others = state.cast.people.filter((p) => p.id !== state.me.id);
    const waiting = await Promise.all(others.map(async (p) => {
      const mail = state.mailboxes.find((box) => box.address === p.email)?.unread ?? 0;
      const slack = p.slack ? await get("/sandbox/slack/state", { user: p.slack }) : { channels: [] };
      return mail + slack.channels.filter((c) => c.kind === "im").reduce((sum, c) => sum + (c.unread ?? 0), 0) > 0;
    }));
    state.attention = new Set(others.filter((_, i) => waiting[i]).map((p) => p.id));
  }),

  parley: again(async () => {
    try {
      state.model ??= await get("/parley/about");
      await lookAtParley();
      state.parley = "up";
    } catch {
      state.parley = "down";
      setTimeout(refresh.parley, 1500);
    }
  }),
};

async function lookAtParley() {
  const address = openAddress();
  const [threads, found] = await Promise.all([get("/parley/threads"), address && !state.pinned ? get("/parley/threads", { address }) : []]);
  const id = state.pinned ?? found[0]?.id;
  const thread = id ? await get(`/parley/threads/${id}`) : null;
  const context = thread && state.contextOpen ? { id, ...(await get(`/parley/threads/${id}/context`)) } : state.context;
  if (address !== openAddress()) return lookAtParley();
  Object.assign(state, { threads, thread, context });
  return followStory();
}

/** The conversation in the middle, as Parley calls it. */
function openAddress() {
  const { route, slack, mails } = state;
  if (route.view === "slack" && route.thread) return `slack:${slack?.team?.id ?? slack?.team ?? ""}/${route.place}/${route.thread}`;
  if (route.view !== "mail" || !route.place || route.place === "new") return null;
  const open = conversations(mails).find((c) => c.mails.some((m) => bare(m.message_id) === route.place));
  return `email:${bare(open?.mails[0].message_id ?? route.place)}`;
}

async function followStory() {
  const { story, thread, route } = state;
  if (!story) return;
  if (!story.thread && thread && !state.pinned && [route.place, route.thread].includes(story.root)) setStory({ ...story, thread: thread.id });
  if (!state.story.thread) return;
  const followed = thread?.id === state.story.thread ? thread : await get(`/parley/threads/${state.story.thread}`);
  if (state.story) state.story.events = followed.events;
}

// Showing it

const views = { slack: slackView(app), mail: mailView(app), start: startView(app) };
const places = placesView(app);
const parley = parleyView(app);
const coach = coachView(app);
const talk = h("div", { class: "stage" });

const showModal = modal({
  names: app.names,
  submit: (view, values) => post("/sandbox/slack/submit", { user: state.me.slack, view_id: view.id, values }).catch((error) => ({ ok: false, error: error.message })).finally(refresh.slack),
  close: (view) => attempt(post("/sandbox/slack/close", { user: state.me.slack, view_id: view.id })).finally(refresh.slack),
});

function draw() {
  if (!state.me) return;
  places.update();
  coach.update();
  const view = views[state.route.view];
  if (talk.firstChild !== view.element) fill(talk, view.element);
  if (state.route.view !== "slack" || state.slack) view.update();
  parley.update();
  drawBar();
}

function drawBar() {
  const scripted = state.model?.model === "scripted";
  const pill = document.querySelector("#model");
  pill.hidden = !state.model;
  pill.classList.toggle("scripted", scripted);
  fill(pill, scripted ? "Scripted stand-in: no model is called" : `Model: ${state.model?.model}`);
  const live = document.querySelector("#live");
  live.classList.toggle("off", !state.live || state.parley === "down");
  fill(live, !state.live ? "reconnecting" : state.parley === "down" ? "Parley is away" : "live");
  const me = document.querySelector("#me");
  if (me.dataset.id !== state.me.id) fill(me, avatar(state.me.name, { size: "tiny" }), state.me.name.split(" ")[0]).dataset.id = state.me.id;
  const unread = state.mailboxes.find((b) => b.address === state.me.email)?.unread ?? 0;
  document.title = `${unread ? `(${unread}) ` : ""}Parley · ${state.me.name}`;
}

function show(route) {
  const before = state.me;
  state.route = route;
  state.me = state.cast.people.find((p) => p.id === route.as) ?? state.cast.people[0];
  state.route.as = state.me.id;
  if (before !== state.me) Object.assign(state, { slack: state.me.slack ? state.slack : null, mails: [], messages: [], statuses: [] });
  app.editing = null;
  draw();
  for (const ask of Object.values(refresh)) ask();
}

function routeFromHash() {
  const [as, view, place, thread] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { ...START, as: as || null, ...(views[view] && { view, place: place ?? null, thread: thread ?? null }) };
}

function tab(name) {
  document.body.dataset.tab = name;
  document.querySelector("#me").addEventListener("click", () => tab("places"));
  for (const button of document.querySelectorAll("#tabs button")) button.setAttribute("aria-selected", String(button.dataset.tab === name));
}

function themeSwitch() {
  const names = ["auto", "light", "dark"];
  const button = document.querySelector("#theme");
  const draw = () => {
    const now = document.documentElement.dataset.theme;
    fill(button, icon({ auto: "auto", light: "sun", dark: "moon" }[now]));
    button.setAttribute("aria-label", `Colours: ${now}`);
    button.title = `Colours: ${now}`;
  };
  button.addEventListener("click", () => {
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    draw();
  });
  draw();
}

function changed(change) {
  if (change.kind === "parley" && change.up === false) state.parley = "down";
  if (change.kind === "parley") refresh.parley();
  else refresh[change.kind]?.();
  if (change.kind !== "parley") refresh.attention();
}

async function start() {
  document.querySelector("#places").append(...places.elements);
  document.querySelector("#talk").append(coach.element, talk);
  document.querySelector("#parley").append(parley.element);
  document.querySelector("#try").addEventListener("click", () => app.go({ view: "start", place: null, thread: null }));
  document.querySelector("#me").addEventListener("click", () => tab("places"));
  for (const button of document.querySelectorAll("#tabs button")) button.addEventListener("click", () => tab(button.dataset.tab));
  tab("talk");
  themeSwitch();
  state.cast = await get("/sandbox/cast");
  window.addEventListener("popstate", () => show(routeFromHash()));
  document.addEventListener("visibilitychange", () => !document.hidden && refresh.slack());
  show(routeFromHash());
  listen(changed, (up) => {
    state.live = up;
    if (up) for (const ask of Object.values(refresh)) ask();
    else draw();
  });
  document.body.dataset.ready = "true";
}

start().catch((error) => app.notify(error.message));
