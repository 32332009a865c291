// Elements of the page, made without markup: what a user may name stays a text.

const SVG = "http://www.w3.org/2000/svg";

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

export const clamp = (x, least, most) => Math.min(most, Math.max(least, x));

/** An element with attributes, functions ("onclick") and children, texts or elements; null is left out. */
export function element(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

/** The same for pictures. */
export function drawn(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(made, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "function") made[name] = value;
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/** Set lengths and other properties of the style: `styled(e, {left: 12})` is 12px. */
export function styled(target, properties) {
  for (const [name, value] of Object.entries(properties)) {
    target.style.setProperty(name, typeof value === "number" ? `${value}px` : value);
  }
}

/** Set an attribute where it is another than before: a value that is set again is drawn again. */
export function mark(target, name, value) {
  if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

/** Put a text where it is another than before. */
export function say(target, text) {
  if (target.textContent !== String(text)) target.textContent = text;
}

/** New children, the focus staying on what has the same data-key, or with what is around them. */
export function renew(host, children) {
  const fresh = [children].flat(Infinity).filter((child) => child !== null && child !== undefined);
  if (!fresh.length && !host.firstChild) return;
  const active = document.activeElement;
  const within = active !== host && host.contains(active);
  host.replaceChildren(...fresh);
  if (!within) return;
  const key = CSS.escape(active.dataset.key ?? "");
  (host.querySelector(`[data-key="${key}"]`) ?? host.closest("[tabindex]"))?.focus();
}

/** The part of a slider left of its knob is filled. */
export function fillSlider(range) {
  const { value, min, max } = range;
  range.style.setProperty("--fill", `${((value - min) / (max - min || 1)) * 100}%`);
}

/** A choice among a few: buttons of which one is pressed; entries are [value, content]. */
export function segments(entries, chosen, choose) {
  return element(
    "span",
    { class: "seg" },
    entries.map(([value, content]) =>
      element(
        "button",
        { "aria-pressed": String(value === chosen), "data-value": value, onclick: () => choose(value) },
        content,
      ),
    ),
  );
}

/** Copy a text; the button tells for a moment whether that was allowed. */
export function copyText(text, button) {
  const before = button.lastChild.textContent;
  const told = (now) => {
    button.lastChild.textContent = now;
    setTimeout(() => {
      button.lastChild.textContent = before;
    }, 1400);
  };
  navigator.clipboard?.writeText(text).then(
    () => told("Copied"),
    () => told("Not allowed"),
  );
}
