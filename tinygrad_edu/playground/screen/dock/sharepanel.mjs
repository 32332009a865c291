// A link for a class: what it hides, whether settings can be changed, which questions it asks.

import { copyText, element, segments } from "../elements.mjs";
import { HIDEABLE } from "../hiding.mjs";
import { linkOf } from "../pagelink.mjs";
import { action, half, halves } from "./panel.mjs";

/** What is not called by its name. */
const TEXTS = {
  data: "all data",
  settings: "all settings",
  view: "plane, curves",
  dock: "lens",
  fresh: "new weights",
  kinds: "kind of task",
  sets: "data sets",
  share: "test share",
  seed: "new points",
  test: "test points",
  flat: "flat colours",
};

const addressOf = (app) => `${location.href.split("#")[0]}#${linkOf(app, { wish: app.ui.wish })}`;

/** The link is put together in `ui.wish`; the page itself stays as it is. */
export function sharePanel(app) {
  const { wish } = app.ui;
  const boxes = HIDEABLE.map((name) =>
    element(
      "label",
      {},
      element("input", {
        type: "checkbox",
        checked: wish.hidden.includes(name),
        "data-key": `hide ${name}`,
        onchange: (event) => {
          wish.hidden = HIDEABLE.filter((other) =>
            other === name ? event.target.checked : wish.hidden.includes(other),
          );
        },
      }),
      TEXTS[name] ?? name,
    ),
  );
  const asked = element("textarea", {
    id: "asked",
    rows: 3,
    placeholder: "One question on each line",
    "aria-label": "Questions, one on each line",
    oninput: (event) => {
      wish.questions = event.target.value.split("\n").filter((line) => line.trim());
    },
  });
  asked.value = wish.questions.join("\n");
  const locked = segments(
    [
      [false, "free"],
      [true, "locked"],
    ],
    wish.lock,
    (lock) => {
      wish.lock = lock;
      app.dock.shown = null;
      app.show("share");
    },
  );
  const copied = (event) => copyText(addressOf(app), event.currentTarget);
  const opened = () => window.open(addressOf(app), "_blank", "noopener");
  return halves(
    "share",
    half("The link hides", "", element("div", { class: "boxes" }, boxes)),
    half(
      "It asks, beside the lens",
      "",
      asked,
      element(
        "div",
        { class: "ask" },
        element("span", {}, "Settings"),
        locked,
        action("Copy link", copied, { "data-key": "copy link" }),
        action("Open", opened),
      ),
    ),
  );
}
