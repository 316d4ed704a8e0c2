// Asking Parley: the same functions as the API's, as the operator of this machine. What changes something carries the page's token.

export class Refused extends Error {}

let token = null;

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(`/console/api/${path}`, options);
  } catch {
    throw new Refused("Parley’s web process does not answer. Is it still running?");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw Object.assign(new Refused(body?.error ?? `Parley answered ${answer.status}.`), { status: answer.status });
  return body;
}

export const get = (path, query = {}) => ask(`${path}?${new URLSearchParams(query)}`);

/** Who this page acts as; also fetches its token. */
export async function me() {
  const { token: fresh, ...person } = await get("me");
  token = fresh;
  return person;
}

export const post = (path, body = {}) => change("POST", path, body);
export const remove = (path) => change("DELETE", path);

async function change(method, path, body) {
  const send = () => ask(path, { method, headers: { "content-type": "application/json", "x-csrf-token": token }, body: body && JSON.stringify(body) });
  try {
    return await send();
  } catch (error) {
    const before = token;
    if (error.status !== 403 || (await me(), token === before)) throw error;
    return send(); // Parley was restarted since this page was opened
  }
}

/** The text of an address outside the API, or null when it cannot be had. */
export async function text(path) {
  try {
    const answer = await fetch(path);
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}

/** Every change; `onState(false)` while the stream is down. EventSource reconnects by itself. */
export function listen(onChange, onState) {
  const stream = new EventSource("/console/api/stream");
  stream.onopen = () => onState(true);
  stream.onerror = () => onState(false);
  stream.onmessage = (event) => onChange(JSON.parse(event.data).thread);
}
