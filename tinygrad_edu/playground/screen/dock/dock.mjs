// The dock: the lens with its steps, the code, the keys, and a teacher's questions.

import { byId, element, fillSlider, renew, say } from "../elements.mjs";
import { codePanel } from "./codepanel.mjs";
import { emptyPanel, lossPanel, overviewPanel } from "./losspanel.mjs";
import { sharePanel } from "./sharepanel.mjs";
import { numeral } from "../symbols.mjs";
import { unitPanel } from "./unitpanel.mjs";
import { renewWeightPanel, weightPanel } from "./weightpanel.mjs";

const TABS = { lens: "Lens", code: "Code", keys: "Keys", share: "Teach", questions: "Questions" };

const KEYS = [
  ["Space", "play or pause"],
  ["S", "one epoch"],
  ["B", "one batch"],
  ["R", "reset"],
  ["W", "other first weights"],
  ["[ ]", "example before, after"],
  [", .", "pass: step back, on"],
  ["Home End", "pass: first, last step"],
  ["arrows", "from unit to unit"],
  ["Enter", "choose the unit"],
  ["G", "guess first"],
  ["+ − 0", "answer a guess"],
  ["C", "code"],
  ["Esc", "close what is open"],
];

export class Dock {
  constructor(app) {
    this.app = app;
    this.shown = null;
    for (const [where, button] of Object.entries(this.buttons())) button.onclick = () => this.goTo(where);
    byId("scrub").oninput = (event) => app.go(Number(event.target.value));
    byId("guess").onchange = (event) => app.guess(event.target.checked);
    byId("close").onclick = () => app.choose(null);
  }

  buttons() {
    return { first: byId("toFirst"), back: byId("toBack"), on: byId("toOn"), last: byId("toLast") };
  }

  goTo(where) {
    const { walk } = this.app;
    const on = walk.walking ? walk.at + 1 : 0;
    this.app.go({ first: 0, back: walk.at - 1, on, last: walk.steps.length - 1 }[where]);
  }

  paint() {
    const { app } = this;
    const { ui, walk, numbers } = app;
    const open = numbers !== null;
    byId("dock").classList.toggle("open", open || ui.tab !== "lens");
    this.paintTabs();
    const lens = open && ui.tab === "lens";
    renew(byId("who"), lens ? this.who() : []);
    for (const id of ["passes", "guessLabel", "close"]) byId(id).hidden = !lens;
    byId("guess").checked = walk.guessing;
    if (open) this.paintSteps();
    this.paintBody();
  }

  paintTabs() {
    const { app } = this;
    const { questions, tab } = app.ui;
    const offered = Object.entries(TABS).filter(([name]) => name !== "questions" || questions.length);
    if (this.tabs === `${tab} ${offered}`) return;
    this.tabs = `${tab} ${offered}`;
    const tabOf = ([name, text]) =>
      element(
        "button",
        {
          role: "tab",
          "aria-selected": String(tab === name),
          "data-key": `tab ${name}`,
          onclick: () => app.show(name),
        },
        text,
      );
    renew(byId("tabs"), offered.map(tabOf));
  }

  who() {
    const { ui, session, numbers, test, walk } = this.app;
    const label = this.app.targetOf(ui.example);
    const named = session.classes ? `of class ${session.data.names?.[label] ?? label}` : `y = ${numeral(label)}`;
    const dot = element("i", { class: "dot" });
    dot.style.background = `var(${this.app.colourOf(ui.example)})`;
    const loss = walk.knowsLoss ? numeral(numbers.loss) : "·";
    return [
      dot,
      `Example ${ui.example + 1}${test.has(ui.example) ? " (test)" : ""} `,
      element("span", { class: "soft" }, `${named}, loss ${loss}`),
    ];
  }

  paintSteps() {
    const { walk } = this.app;
    const scrub = byId("scrub");
    scrub.max = walk.steps.length - 1;
    scrub.value = walk.at;
    fillSlider(scrub);
    say(byId("where"), `${walk.at + 1} of ${walk.steps.length}`);
    const { first, back, on, last } = this.buttons();
    first.disabled = back.disabled = walk.at === 0;
    on.disabled = last.disabled = walk.walking && walk.at === walk.steps.length - 1;
  }

  paintBody() {
    const { app } = this;
    const { ui, numbers } = app;
    const key = JSON.stringify([ui.tab, ui.chosen, numbers?.sizes]);
    if (ui.tab === "lens" && numbers && ui.chosen?.kind === "weight" && key === this.shown) {
      renewWeightPanel(app, ui.chosen);
      return;
    }
    if (ui.tab === "share" && key === this.shown) return; // somebody may be writing in it
    this.shown = key;
    renew(byId("body"), this.panel());
  }

  panel() {
    const { app } = this;
    const { ui, numbers } = app;
    if (ui.tab === "code") return codePanel(app);
    if (ui.tab === "keys") return keysPanel();
    if (ui.tab === "share") return sharePanel(app);
    if (ui.tab === "questions")
      return element(
        "ol",
        { class: "questions" },
        ui.questions.map((text) => element("li", {}, text)),
      );
    if (!numbers) return emptyPanel(app);
    if (!ui.chosen) return overviewPanel(app);
    return { loss: lossPanel, unit: unitPanel, weight: weightPanel }[ui.chosen.kind](app, ui.chosen);
  }
}

const keysPanel = () =>
  element(
    "div",
    { class: "keys" },
    KEYS.map(([key, text]) => element("div", {}, element("kbd", {}, key), element("span", {}, text))),
  );
