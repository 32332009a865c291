// Loss and accuracy, as numbers and as curves over the epochs.

import { drawCurves } from "../../../export/page/curves.mjs";
import { byId, say } from "../elements.mjs";
import { numeral, percentage } from "../symbols.mjs";

export class Figures {
  constructor(app) {
    this.app = app;
    for (const id of ["showTest", "discrete"]) {
      byId(id).onchange = (event) => {
        app.ui[id] = event.target.checked;
        app.touch("plane");
      };
    }
  }

  paintNumbers() {
    const { ui, session } = this.app;
    const { losses, accuracies, testLosses, testAccuracies, epoch } = session.training;
    const last = (numbers, write) => (numbers.length ? write(numbers.at(-1)) : "·");
    say(byId("epoch"), epoch);
    say(byId("lossNow"), last(losses, numeral));
    say(byId("lossHandy"), last(losses, numeral));
    say(byId("accuracyNow"), last(accuracies, percentage));
    say(byId("testLossNow"), last(testLosses, numeral));
    say(byId("testAccuracyNow"), last(testAccuracies, percentage));
    for (const id of ["showTest", "discrete"]) byId(id).checked = ui[id];
    byId("switches").hidden = ui.drawing;
    byId("accuracyRow").hidden = !session.classes;
    byId("twoColours").hidden = this.app.kind === "curve";
  }

  paintCurves() {
    const { colours, session } = this.app;
    const { losses, accuracies, testLosses, testAccuracies } = session.training;
    byId("curves").classList.toggle("empty", !losses.length);
    drawCurves(byId("lossCurve"), colours, [
      [testLosses, "--soft", true],
      [losses, "--ink", false],
    ]);
    byId("accuracyCurve").hidden = !session.classes;
    if (!session.classes) return;
    const lines = [
      [testAccuracies, "--soft", true],
      [accuracies, "--ink", false],
    ];
    const lower = (least, x) => (x < least ? x : least);
    const least = testAccuracies.reduce(lower, accuracies.reduce(lower, 1));
    const low = least >= 0.8 ? 0.8 : least >= 0.5 ? 0.5 : 0;
    drawCurves(byId("accuracyCurve"), colours, lines, {
      range: [low, 1],
      label: (x) => `${Math.round(100 * x)} %`,
    });
  }
}
