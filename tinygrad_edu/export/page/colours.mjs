// The colours of the style sheet as canvases need them: its variables, in the scheme of now.

const SCHEMES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"];

export class Colours {
  /** Those that hold for an element; `changed` is called when the scheme does. */
  constructor(element, changed = () => {}) {
    this.probe = element.appendChild(document.createElement("i"));
    this.probe.className = "probe";
    this.probe.hidden = true;
    this.forget();
    for (const scheme of SCHEMES) {
      matchMedia(scheme).addEventListener("change", () => {
        this.forget();
        changed();
      });
    }
  }

  /** To be called where something else than the system changes the scheme. */
  forget() {
    this.known = new Map();
  }

  /** [red, green, blue] of a variable such as "--ink". */
  parts(name) {
    if (!this.known.has(name)) {
      this.probe.style.color = `var(${name})`;
      const numbers = getComputedStyle(this.probe).color.match(/[\d.]+/g);
      this.known.set(name, numbers.slice(0, 3).map(Number));
    }
    return this.known.get(name);
  }

  /** The same as a colour of a pen. */
  of(name) {
    return `rgb(${this.parts(name).join(", ")})`;
  }
}
