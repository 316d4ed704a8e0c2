// Building the page from values. Text always becomes text nodes: nothing here, or anywhere on the page, reads a string as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `props`: attributes; functions become listeners; `class` may be a list; false, null and undefined are left out. */
export function h(tag, props = {}, ...children) {
  return make(document.createElement(tag), props, children);
}

/** The same for a picture: an element of SVG. */
export function s(tag, props = {}, ...children) {
  return make(document.createElementNS(SVG, tag), props, children);
}

function make(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...flat(children));
  return element;
}

function set(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
  else if (name === "class") element.setAttribute("class", [value].flat().filter(Boolean).join(" "));
  else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** A symbol of icons.svg. */
export const icon = (name) => s("svg", { class: "icon", "aria-hidden": "true" }, s("use", { href: `/look/icons.svg#${name}` }));

export function fill(parent, ...children) {
  parent.replaceChildren(...flat(children));
  return parent;
}

/**
 * Make the children of `parent` show `items`, touching only what changed, so that focus, open details and
 * half-chosen selects survive an update. `key` names an item, `sign` is everything that its look depends on.
 */
export function reconcile(parent, items, { key, sign, build }) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const focused = parent.contains(document.activeElement) ? document.activeElement.closest("[data-key]")?.dataset.key : null;
  let last = null;
  for (const item of items) {
    const name = String(key(item));
    const signature = JSON.stringify(sign(item));
    let child = before.get(name);
    if (!child || child.signature !== signature) {
      const fresh = build(item);
      fresh.dataset.key = name;
      fresh.signature = signature;
      if (!child) fresh.classList.add("fresh");
      child?.replaceWith(fresh);
      child = fresh;
    }
    before.delete(name);
    const place = last ? last.nextSibling : parent.firstChild;
    if (place !== child) parent.insertBefore(child, place);
    last = child;
  }
  for (const child of before.values()) child.remove();
  if (focused && !parent.contains(document.activeElement)) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** Arrow keys, Home and End move through the items of a list; only one of them is a tab stop. */
export function walkable(list, selector) {
  const items = () => [...list.querySelectorAll(selector)].filter((item) => item.offsetParent !== null);
  const stop = (chosen) => {
    for (const item of items()) item.tabIndex = item === chosen ? 0 : -1;
  };
  list.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item) stop(item);
  });
  list.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(event.target);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    stop(all[to]);
    all[to].focus();
  });
  return () => {
    const all = items();
    if (all.length && !all.some((item) => item.tabIndex === 0)) stop(all.find((item) => item.getAttribute("aria-current")) ?? all[0]);
  };
}

/** A list that follows its end while the reader is at the end, and leaves the reader alone elsewhere. */
export function stick(scroller, change, force = false) {
  const near = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  change();
  if (near || force) scroller.scrollTop = scroller.scrollHeight;
}
