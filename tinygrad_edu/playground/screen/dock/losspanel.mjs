// The lens on the example as a whole: its loss, what comes in, and the way into the pass.

import { element } from "../elements.mjs";
import { action, equation, half, halves } from "./panel.mjs";
import { featureSymbol, numeral, strong, words } from "../symbols.mjs";

export function emptyPanel(app) {
  return element(
    "div",
    { class: "hint" },
    element("p", {}, "Click a point on the plane: the net shows every number of its forward and backward pass."),
    action("The example with the largest loss", () => app.choose(app.worst())),
  );
}

/** The loss of the example: where outputs become probabilities, that of its class. */
function lossLines({ numbers, walk, session }) {
  const loss = strong(walk.knowsLoss ? numeral(numbers.loss) : "·");
  if (!session.loss.includes("cross_entropy")) return equation(words("L"), " = ", loss);
  const p = walk.knowsLoss ? numeral(Math.exp(-numbers.loss)) : "·";
  return [
    equation(
      words("L", " = −ln ", "p"),
      element("span", { class: "soft" }, ", the probability that the net gives its class"),
    ),
    equation(words("= −ln "), `${p} = `, loss),
  ];
}

function titleOf({ session }) {
  const name = session.loss.replace("binary_cross_entropy_with_logits", "cross_entropy");
  return `Loss: ${name.replaceAll("_", " ")} of this example`;
}

export function overviewPanel(app) {
  return halves(
    "",
    half(titleOf(app), "", lossLines(app)),
    half(
      "Every number has a rule",
      "",
      element(
        "p",
        { class: "rule" },
        "Click a unit for its rule, a line for the chain rule of its weight, or go step by step.",
      ),
      element(
        "div",
        { class: "ask" },
        action("Step from the start", () => app.go(0)),
        action("Guess the signs", () => app.guess(true)),
      ),
    ),
  );
}

export function lossPanel(app) {
  const { numbers, session, walk } = app;
  if (walk.step?.kind === "x") {
    return halves(
      "",
      half(
        "The example enters",
        "hot",
        session.state.features
          .slice(0, 5)
          .map((name, k) => equation(featureSymbol(name), " = ", strong(numeral(numbers.a[0][k])))),
      ),
      half("Its target", "", equation(words("y"), " = ", strong(numeral(numbers.y).replace(/\.000$/, "")))),
    );
  }
  return halves(
    "",
    half(titleOf(app), walk.step ? "hot" : "", lossLines(app)),
    half("Backward begins here", "", equation(words("∂", "L", "/∂", "L"), " = ", strong("1"))),
  );
}
