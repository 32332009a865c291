// What a teacher can hide: panels and single controls, by the names that a link has for them.

import { byId } from "./elements.mjs";

const PANELS = ["data", "settings", "view", "dock"];

/** Names of controls, and the ids of their elements. */
const CONTROLS = {
  play: "play",
  step: "step",
  reset: "reset",
  fresh: "fresh",
  rate: "rate",
  optimizer: "optimizer",
  batch: "batch",
  loss: "loss",
  penalty: "penalty",
  strength: "strength",
  dropout: "dropout",
  layers: "layers",
  kinds: "learned",
  sets: "tiles",
  points: "n",
  noise: "noise",
  share: "share",
  classes: "classes",
  seed: "seed",
  features: "features",
  test: "showTest",
  flat: "discrete",
  curves: "curves",
};
/** These are made anew with each net, so that the style sheet hides them. */
const OF_NETS = ["units", "activations"];

export const HIDEABLE = [...PANELS, ...Object.keys(CONTROLS), ...OF_NETS];

/** Hide these parts, and show all others. */
export function hide(names) {
  for (const name of PANELS) byId(name).hidden = names.includes(name);
  for (const [name, id] of Object.entries(CONTROLS)) {
    const control = byId(id);
    const whole = control.closest(".field, .slide, .switch, .seed, .chosen") ?? control;
    whole.classList.toggle("away", names.includes(name));
  }
  for (const name of OF_NETS) byId("page").classList.toggle(`without-${name}`, names.includes(name));
}
