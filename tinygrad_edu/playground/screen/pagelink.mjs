// The link that holds the state of the page: settings, epochs, weights edited by hand, own points, what is chosen,
// and what a teacher wants: parts hidden, settings locked, questions asked. Each value is checked when it is read.

import { DEFAULTS, fromLink, learnedBy, MOST_CLASSES, MOST_POINTS, toLink } from "../net/state.mjs";
import { hide, HIDEABLE } from "./hiding.mjs";

const MOST_EPOCHS = 5000;
const LONGEST = 300; // characters of a question
const MOST_QUESTIONS = 20;

const wholeOf = (text, least, most) => {
  const number = Number(text);
  return text !== null && text !== "" && Number.isInteger(number) && number >= least && number <= most
    ? number
    : null;
};

/**
 * The fragment of a link; `wish` is what it hides, locks and asks, that of the page itself if it is left out; `digits`
 * are those of points: 17 are all.
 */
export function linkOf(app, { wish = app.ui, digits = 6 } = {}) {
  const { session, ui, walk } = app;
  const link = new URLSearchParams(toLink(session.state));
  if (session.state.data === "own") link.set("own", ownText(session, ui.drawing, digits));
  else link.set("data", session.state.data); // never empty: that would be the page's own preset
  const { epoch } = session.training;
  const long = epoch > MOST_EPOCHS; // such a link has the weights, not the way there
  if (epoch && !long) link.set("epoch", epoch);
  if (long || session.done.length > 1 || session.done[0]?.put) link.set("w", session.training.parameters.join(" "));
  if (ui.example !== null) link.set("ex", ui.example + 1);
  if (ui.example !== null && ui.chosen && ui.chosen.kind !== "loss") {
    const { kind, layer, unit, k } = ui.chosen;
    link.set("at", [kind, layer, unit, ...(kind === "weight" ? [k] : [])].join(" "));
  }
  if (walk.walking && !walk.guessing) link.set("pass", walk.at);
  if (walk.guessing) link.set("guess", 1);
  if (wish.hidden.length) link.set("hide", wish.hidden.join(" "));
  if (wish.lock) link.set("lock", 1);
  for (const question of wish.questions) link.append("ask", question);
  return link.toString();
}

function ownText({ state, data: { points, classes, names } }, drawing, digits) {
  const rows = points.map((point, k) =>
    [...point.map((x) => Number(x.toPrecision(digits))), ...(classes ? [classes[k]] : [])].join(" "),
  );
  const kind = drawing ? "drawn" : learnedBy(state) === "surface" ? "surface" : "file";
  return [kind, ...rows].join(",") + (names?.length ? `,${JSON.stringify(names)}` : "");
}

/** {drawing, own: {points, classes, names}} of a text, or null. */
function ownOf(text) {
  const start = text.indexOf("[");
  const [kind, ...rows] = (start < 0 ? text : text.slice(0, start)).split(",").filter(Boolean);
  const numbers = rows.map((row) => row.split(" ").map(Number));
  const width = numbers[0]?.length;
  const alike = (row) => row.length === width && row.every(Number.isFinite);
  const isClass = (label) =>
    kind === "surface" || label === undefined || (Number.isInteger(label) && label >= 0 && label < MOST_CLASSES);
  const fine = numbers.length >= 2 && numbers.length <= MOST_POINTS && (width === 2 || width === 3);
  if (!fine || !numbers.every((row) => alike(row) && isClass(row[2]))) return null;
  return {
    drawing: kind === "drawn",
    own: {
      points: numbers.map((row) => row.slice(0, kind === "surface" ? 3 : 2)),
      classes: width === 3 && kind !== "surface" ? numbers.map((row) => row[2]) : null,
      names: start < 0 ? [] : namesOfText(text.slice(start)),
    },
  };
}

function namesOfText(text) {
  try {
    const names = JSON.parse(text);
    return Array.isArray(names) ? names.slice(0, 10).map((name) => String(name).slice(0, 30)) : [];
  } catch {
    return [];
  }
}

/** The settings of a link, those of own points included, and whether these were drawn. */
export function settingsOf(parts, fragment) {
  const settings = fromLink(parts, fragment);
  const link = new URLSearchParams(fragment.replace(/^#/, ""));
  const found = link.has("own") ? ownOf(link.get("own")) : null;
  if (found) Object.assign(settings, { data: "own", own: found.own });
  if (settings.activations && settings.activations.length !== (settings.hidden ?? DEFAULTS.hidden).length) {
    delete settings.activations;
  }
  return { settings, drawing: Boolean(found?.drawing) };
}

/** Begin anew in the state of a link. */
export function openLink(app, fragment) {
  app.pause();
  app.start(settingsOf(app.parts, fragment));
  followLink(app, fragment);
}

/** Bring a page that has just begun with the settings of a link to what else the link says. */
export function followLink(app, fragment) {
  const link = new URLSearchParams(fragment.replace(/^#/, ""));
  const { session, ui } = app;
  ui.hidden = (link.get("hide") ?? "").split(" ").filter((name) => HIDEABLE.includes(name));
  hide(ui.hidden);
  ui.lock = link.get("lock") === "1";
  ui.questions = link
    .getAll("ask")
    .slice(0, MOST_QUESTIONS)
    .map((text) => text.slice(0, LONGEST));
  if (ui.questions.length) ui.tab = "questions";
  session.step(wholeOf(link.get("epoch"), 1, MOST_EPOCHS) ?? 0);
  const weights = (link.get("w") ?? "").split(" ").map(Number);
  const { names, parameters } = session.training;
  if (link.has("w") && weights.length === names.length && weights.every(Number.isFinite)) {
    names.forEach((name, k) => weights[k] !== parameters[k] && session.put(name, weights[k]));
  }
  app.renewed([]);
  const example = wholeOf(link.get("ex"), 1, session.data.points.length);
  if (example === null) return;
  app.choose(example - 1);
  followChoice(app, link);
}

function followChoice(app, link) {
  const [kind, ...places] = (link.get("at") ?? "").split(" ");
  const [layer, unit, k] = places.map(Number);
  const { sizes } = app;
  const within =
    Number.isInteger(layer) &&
    layer >= 1 &&
    layer < sizes.length &&
    wholeOf(places[1] ?? "", 0, sizes[layer] - 1) !== null;
  if (within && kind === "unit") app.select({ kind, layer, unit });
  if (within && kind === "weight" && wholeOf(places[2] ?? "", -1, sizes[layer - 1] - 1) !== null)
    app.select({ kind, layer, unit, k });
  if (link.get("guess") === "1") app.guess(true);
  const step = wholeOf(link.get("pass"), 0, app.walk.steps.length - 1);
  if (step !== null) app.go(step);
}
