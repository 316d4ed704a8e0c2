// Asking the sandbox, and Parley through it.

export class Refused extends Error {}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused("The sandbox does not answer. Is `make demo` still running?");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(said(body) ?? `The sandbox answered ${answer.status}.`);
  return body;
}

function said(body) {
  const words = body?.error ?? body?.detail;
  return typeof words === "string" ? words : words?.[0]?.msg ?? words?.message;
}

export const get = (path, query = {}) => ask(`${path}?${new URLSearchParams(query)}`);

export const post = (path, body = {}, headers = {}) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });

/**
 * Every change, while the page is looked at; `onState(false)` while the stream is down. EventSource reconnects by itself. A page that
 * the browser keeps for its Back button would keep the connection too, and there are only six.
 */
export function listen(onChange, onState) {
  let stream = null;
  const open = () => {
    stream?.close();
    stream = new EventSource("/sandbox/stream");
    stream.onopen = () => onState(true);
    stream.onerror = () => onState(false);
    stream.onmessage = (event) => onChange(JSON.parse(event.data));
  };
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  open();
}
