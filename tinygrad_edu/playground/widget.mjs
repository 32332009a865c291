// The page as a widget of a notebook: a frame of its own, so that its style and its keys are apart from those of the
// notebook; the kernel asks for things, and is told what the page has.

const EVERY = 100; // milliseconds between two looks at the page
const PACE = 500; // characters that are told in a millisecond at most
const HIGH = 760; // pixels, where the page is one screen

const DO = {
  change: (page, settings) => page.change(settings),
  set: (page, numbers) => Object.entries(numbers).forEach(([name, number]) => page.set(name, number)),
  step: (page, epochs) => page.step(epochs),
  play: (page) => page.play(),
  pause: (page) => page.pause(),
  reset: (page) => page.reset(),
};

/** Of each widget there is one page, in the view that was opened last; each view has this module for itself. */
const shown = (window[Symbol.for("tinygrad_edu playgrounds")] ??= new Map());

class View {
  constructor(model, el) {
    Object.assign(this, { model, el, page: null, due: 0, done: model.get("told").done ?? 0 });
    this.frame = document.createElement("iframe");
    const title = "tinygrad_edu playground";
    Object.assign(this.frame, { srcdoc: model.get("page"), title, allow: "clipboard-write" });
    Object.assign(this.frame.style, { width: "100%", height: `${HIGH}px`, border: "0", display: "block" });
    el.append(this.frame);
    this.timer = setInterval(() => this.look(), EVERY);
  }

  close(text = "") {
    clearInterval(this.timer);
    this.frame.remove();
    this.el.append(text);
  }

  look() {
    const page = this.frame.contentWindow?.tinygrad;
    if (!page) return; // it has not started, or the notebook has taken the frame out
    if (page !== this.page) this.begin(page);
    page.framed(isDark(this.el));
    this.frame.style.height = `${Math.max(page.height, HIGH)}px`;
    this.obey();
    this.tell();
  }

  /** A page that has just started: where another was before it, as that one was. */
  begin(page) {
    const { link, playing } = this.model.get("told");
    this.page = page;
    if (link) page.open(link);
    if (playing) page.play();
  }

  obey() {
    for (const [number, what, how] of this.model.get("asked")) {
      if (number <= this.done) continue;
      this.done = number; // also where it fails: it is not tried again
      DO[what](this.page, how);
    }
  }

  tell() {
    const { page, done, model } = this;
    const now = performance.now();
    const key = `${page.playing} ${done} ${page.link}`;
    if (now < this.due || key === this.key) return;
    this.key = key;
    const { link, playing, code, settings, sizes, classes, parameters, losses, testLosses } = page;
    const told = { done, link, playing, code, settings, sizes, classes, parameters, losses, testLosses };
    this.due = now + JSON.stringify(told).length / PACE;
    model.set("told", told);
    model.save_changes();
  }
}

const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Whether what lies behind an element is dark, whatever way its colour is written. */
function isDark(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = getComputedStyle(at).backgroundColor;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    if (alpha > 127) return red + green + blue < 384;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export default {
  render({ model, el }) {
    const key = model.get("key");
    shown.get(key)?.close("This playground is shown further on.");
    const view = new View(model, el);
    shown.set(key, view);
    return () => view.close();
  },
};
