// Asking the far sides and Parley how things are now; what arrives is drawn.

import { get, post } from "./api.js";
import { followStory } from "./stories.js";

const AGAIN_MS = 1500;

/** One question of a kind at a time; what changes while it is asked is asked for afterwards. */
function again(app, ask) {
  let asking = false;
  let dirty = false;
  return async () => {
    dirty = true;
    if (asking) return;
    asking = true;
    while (dirty) {
      dirty = false;
      const open = app.openAddress();
      await ask().catch(() => {}); // the next change, or the next reconnection, asks again
      if (app.openAddress() !== open) app.refresh.parley();
      app.draw();
    }
    asking = false;
  };
}

export function asking(app) {
  const { state } = app;

  const slack = again(app, async () => {
    const { me, route } = state;
    const user = me.slack ?? app.teammate()?.slack;
    if (!user) return;
    const directory = await get("/sandbox/slack/state", { user });
    const room = me.slack && route.view === "slack" && directory.channels.find((c) => c.id === route.place);
    const told = room ? await get("/sandbox/slack/messages", { user, channel: room.id }) : { messages: [], statuses: [], prompts: null };
    const home = room?.kind === "im" ? await get("/sandbox/slack/home", { user }) : null;
    const views = me.slack ? await get("/sandbox/slack/modals", { user }) : [];
    if (state.me !== me || state.route.place !== route.place) return; // I went elsewhere meanwhile, which asks again
    Object.assign(state, { directory, slack: me.slack ? directory : null, messages: told.messages, statuses: told.statuses, prompts: told.prompts, home });
    app.showModal(views);
    const last = told.messages.at(-1);
    if (room?.unread && last && !document.hidden) await post("/sandbox/slack/seen", { user, channel: room.id, ts: last.ts });
  });

  const mail = again(app, async () => {
    const { me } = state;
    const [mailboxes, mails] = await Promise.all([get("/sandbox/mail/mailboxes"), get("/sandbox/mail/messages", { address: me.email })]);
    if (state.me === me) Object.assign(state, { mailboxes, mails });
  });

  const attention = again(app, async () => {
    const others = state.cast.people.filter((p) => p !== state.me);
    const unread = await Promise.all(others.map((p) => unreadOf(state, p)));
    state.attention = new Set(others.filter((_, i) => unread[i]).map((p) => p.id));
  });

  const parley = again(app, async () => {
    try {
      state.model ??= await get("/parley/about");
      await look(app);
      state.parley = "up";
    } catch {
      state.parley = "down";
      setTimeout(parley, AGAIN_MS);
    }
  });

  return { slack, mail, attention, parley };
}

/** Mails and direct messages; what is new in a channel waits for nobody in particular. */
async function unreadOf(state, person) {
  if (state.mailboxes.find((box) => box.address === person.email)?.unread) return true;
  if (!person.slack) return false;
  const { channels } = await get("/sandbox/slack/state", { user: person.slack });
  return channels.some((c) => c.kind === "im" && c.unread);
}

async function look(app) {
  const { state } = app;
  const address = app.openAddress();
  const [threads, found] = await Promise.all([get("/parley/threads"), address && !state.pinned ? get("/parley/threads", { address }) : []]);
  const id = state.pinned ?? found[0]?.id;
  const thread = id ? await get(`/parley/threads/${id}`) : null;
  const context = thread && state.contextOpen ? { id, ...(await get(`/parley/threads/${id}/context`)) } : state.context;
  if (address !== app.openAddress()) return;
  Object.assign(state, { threads, thread, context });
  await followStory(app);
}
