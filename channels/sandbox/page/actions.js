// What a person can do on this page.

import { get, post } from "./api.js";
import { attempt, notify } from "/look/frame.js";
import { bare, conversations } from "./mail.js";
import { hashOf } from "./state.js";

export const actions = (app) => ({ ...moving(app), ...inSlack(app), ...byMail(app), ...inParley(app) });

function moving(app) {
  const { state } = app;

  function go(change) {
    const route = { ...state.route, ...change };
    if (route.view !== "slack") route.thread = null;
    const moved = ["view", "place", "thread"].some((part) => part in change);
    if (moved) Object.assign(state, { pinned: null, listing: false });
    if (hashOf(route) !== location.hash) history.pushState(null, "", hashOf(route));
    app.show(route);
    if (moved) app.tab("talk");
  }

  /** Become somebody, and stay where that person can be too. */
  function be(id, change) {
    const { slack } = app.person(id);
    const elsewhere = {
      slack: slack ? (app.channel()?.kind === "im" ? { place: app.firstChannel(), thread: null } : {}) : { view: "mail", place: null },
      mail: { place: null },
      start: {},
    };
    go({ as: id, ...(change ?? elsewhere[state.route.view]) });
  }

  /** Be somebody, at a thread's place of that kind: its last such address, or the one given. */
  async function visitAs(who, id, kind, address) {
    const thread = state.thread?.id === id ? state.thread : await attempt(get(`/parley/threads/${id}`));
    const to = address ?? thread?.addresses.findLast((a) => a.startsWith(kind));
    if (!to) return notify("That place does not exist yet.");
    if (kind === "email:") return be(who, { view: "mail", place: await rootMail(app.person(who), thread), thread: null });
    const [, channel, ts] = to.slice(kind.length).split("/");
    return be(who, { view: "slack", place: channel, thread: ts ?? null });
  }

  async function rootMail({ email }, thread) {
    const ids = thread.addresses.filter((a) => a.startsWith("email:")).map((a) => bare(a.slice(6)));
    const mails = await get("/sandbox/mail/messages", { address: email });
    return conversations(mails).find((c) => c.mails.some((m) => ids.includes(bare(m.message_id))))?.id ?? ids[0];
  }

  function visit(address) {
    const { thread, me, cast } = state;
    if (address.startsWith("slack:")) return visitAs(me.slack ? me.id : app.teammate().id, thread.id, "slack:", address);
    const writer = thread.events.find((e) => e.origin?.address === address && e.actor?.id?.startsWith("email:"))?.actor.id.slice(6);
    const reader = cast.people.find((p) => p.email === writer) ?? me;
    return visitAs(reader.id, thread.id, "email:", address);
  }

  return { go, be, visit, visitAs };
}

function inSlack(app) {
  const { state } = app;
  const ask = (what, body) => attempt(post(`/sandbox/slack/${what}`, { user: state.me.slack, channel: state.route.place, ...body }));

  function edit(ts) {
    state.editing = ts;
    app.draw();
  }

  return {
    edit,
    react: (message, name) => ask("react", { ts: message.ts, name }),

    async say(text, thread) {
      const { place } = state.route;
      const sent = await ask("post", { text, ...(thread && { thread_ts: thread }) });
      const toParley = /(^|\s)@parley\b/i.test(text) || app.channel()?.kind === "im";
      if (sent && !thread && toParley && state.route.place === place) app.go({ thread: sent.ts });
      return Boolean(sent);
    },

    async press(message, block, element, choice) {
      state.failures.delete(message.ts);
      const answer = await ask("click", { ts: message.ts, block_id: block.block_id, action_id: element.action_id, ...choice });
      if (answer && !answer.ok) state.failures.set(message.ts, "Parley did not take that in time. Press again.");
      app.refresh.slack();
    },

    stop: (thread) => ask("stop", { thread_ts: thread }),
    askAbout: (message) => ask("shortcut", { ts: message.ts, callback_id: "parley:ask" }),

    async command(text) {
      const answer = await ask("command", { command: "/parley", text: text.replace(/^\/parley\s*/, "") });
      return Boolean(answer?.ok);
    },

    async openHome(open) {
      Object.assign(state, { homeOpen: open, homeTrouble: "" });
      app.draw();
      if (open) await attempt(post("/sandbox/slack/home", { user: state.me.slack }));
    },

    async pressHome(block, element, choice) {
      const answer = await attempt(post("/sandbox/slack/press", { user: state.me.slack, block_id: block.block_id, action_id: element.action_id, ...choice }));
      state.homeTrouble = answer && !answer.ok ? answer.error : "";
      app.refresh.slack();
    },

    async change(message, text) {
      edit(null);
      if (text) await ask("edit", { ts: message.ts, text });
    },

    async remove(message) {
      if (message.ts === state.route.thread) app.go({ thread: null });
      await ask("delete", { ts: message.ts });
    },

    async dm(user) {
      const opened = await ask("dm", { with: user });
      if (opened) app.go({ view: "slack", place: opened.channel, thread: null });
    },

    submit: (view, values) => post("/sandbox/slack/submit", { user: state.me.slack, view_id: view.id, values }).catch((error) => ({ ok: false, error: error.message })).finally(app.refresh.slack),
    close: (view) => ask("close", { view_id: view.id }).finally(app.refresh.slack),
  };
}

function byMail({ state }) {
  return {
    async sendMail(mail) {
      const sent = await attempt(post("/sandbox/mail/send", mail));
      if (sent && mail.spoof) notify("Sent as a forger would: nobody keeps a copy of it. See on the right what Parley makes of it.");
      return sent?.message_id;
    },

    async readMail(mail) {
      mail.read = true;
      await attempt(post("/sandbox/mail/read", { address: state.me.email, id: mail.id }));
    },
  };
}

function inParley(app) {
  const { state } = app;
  const set = (change) => {
    Object.assign(state, change);
    app.draw();
  };

  return {
    list: (listing) => set({ listing }),
    toggleMinor: () => set({ showMinor: !state.showMinor }),

    pin(thread) {
      Object.assign(state, { pinned: thread.id, listing: false });
      app.refresh.parley();
    },

    openContext(open) {
      state.contextOpen = open;
      if (open) app.refresh.parley();
    },

    async steer(verb, body) {
      set({ acting: true });
      const answer = await attempt(post(`/parley/threads/${state.thread.id}/${verb}`, body, { "x-sandbox-person": state.me.id }));
      if (verb === "fork" && answer?.id) {
        notify("This is the new thread; the original stays as it is.");
        state.pinned = answer.id;
      }
      set({ acting: false });
      app.refresh.parley();
    },
  };
}
