// Maps as pictures: numbers on a square of places, in the colours of their signs or of their classes.

/** Places along each side of a map and of the plane. */
export const SIDE = 72;

const MAP = 0.94; // how much of the colour the largest number has
const PLANE = 0.5; // paler, so that points stand out

const packedColour = ([red, green, blue]) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;

/** Colours of the scheme of now, ready for pixels: zero is the paper. */
export class Heat {
  constructor(colours) {
    this.colours = colours;
    this.forget();
  }

  forget() {
    this.tables = new Map();
    this.held = new Map();
  }

  /** The colour of a class as a variable of the style. */
  static variable(label) {
    return ["--minus", "--plus"][label] ?? `--class${label}`;
  }

  /** A colour at a share of its strength, over the paper. */
  mixed(name, share) {
    const paper = this.colours.parts("--paper");
    return packedColour(this.colours.parts(name).map((c, k) => Math.round(paper[k] + (c - paper[k]) * share)));
  }

  /** 513 colours from -1 to 1. */
  signs(most) {
    if (!this.tables.has(most)) {
      this.tables.set(
        most,
        Uint32Array.from({ length: 513 }, (_, k) =>
          this.mixed(k > 256 ? "--plus" : "--minus", (Math.abs(k - 256) / 256) * most),
        ),
      );
    }
    return this.tables.get(most);
  }

  /** For each class 257 colours, from nothing to certain. */
  classes(count) {
    if (!this.held.has(count)) {
      this.held.set(
        count,
        Array.from({ length: count }, (_, label) =>
          Uint32Array.from({ length: 257 }, (__, k) => this.mixed(Heat.variable(label), (k / 256) * PLANE)),
        ),
      );
    }
    return this.held.get(count);
  }

  /** Numbers from -1 to 1 by `scaled`, pale or not; `flat` tells the sign alone. */
  draw(canvas, numbers, scaled, { pale = false, flat = false } = {}) {
    const table = this.signs(pale ? PLANE : MAP);
    paint(canvas, (pixels) => {
      for (let k = 0; k < pixels.length; k++) {
        const x = flat ? Math.sign(scaled(numbers[k])) * 0.8 : scaled(numbers[k]);
        pixels[k] = table[256 + Math.round(Math.min(1, Math.max(-1, x)) * 256)];
      }
    });
  }

  /** The class with the largest output, the paler the less it stands out among all. */
  drawClasses(canvas, outputs, flat) {
    const tables = this.classes(outputs.length);
    const least = 1 / outputs.length;
    paint(canvas, (pixels) => {
      for (let k = 0; k < pixels.length; k++) {
        let best = 0;
        for (let c = 1; c < outputs.length; c++) if (outputs[c][k] > outputs[best][k]) best = c;
        const sum = outputs.reduce((total, numbers) => total + Math.exp(numbers[k] - outputs[best][k]), 0);
        const share = flat ? 0.8 : (1 / sum - least) / (1 - least);
        pixels[k] = tables[best][Math.round(share * 256)] ?? tables[best][0];
      }
    });
  }
}

function paint(canvas, colour) {
  if (canvas.width !== SIDE) Object.assign(canvas, { width: SIDE, height: SIDE });
  const pen = canvas.getContext("2d");
  const image = canvas.image ?? (canvas.image = pen.createImageData(SIDE, SIDE));
  colour(new Uint32Array(image.data.buffer));
  pen.putImageData(image, 0, 0);
}

/** How numbers of a unit become colours: outputs by what they mean, tanh as it is, others by the largest. */
export function scaleOf(numbers, { head, output, activation }) {
  if (output && head.units === 1) {
    if (head.threshold !== 0) return (x) => 2 * x - 1;
    return head.low === 0 ? (x) => Math.tanh(x / 2) : (x) => x;
  }
  if (activation === "tanh") return (x) => x;
  let most = 1e-6;
  for (let k = 0; k < numbers.length; k++) most = Math.max(most, Math.abs(numbers[k]));
  return (x) => x / most;
}

/** Draw the line on which numbers cross a level: marching squares, w being the side of the picture. */
export function drawBoundary(pen, side, numbers, level) {
  const h = side / SIDE;
  const cut = (a, b) => (level - a) / (b - a);
  pen.beginPath();
  for (let row = 0; row < SIDE - 1; row++) {
    for (let column = 0; column < SIDE - 1; column++) {
      const k = row * SIDE + column;
      const [a, b, c, d] = [numbers[k], numbers[k + 1], numbers[k + SIDE], numbers[k + SIDE + 1]];
      const above = (a > level) + (b > level) + (c > level) + (d > level);
      if (above === 0 || above === 4) continue;
      const [x, y] = [(column + 0.5) * h, (row + 0.5) * h];
      const ends = [];
      if (a > level !== b > level) ends.push([x + h * cut(a, b), y]);
      if (a > level !== c > level) ends.push([x, y + h * cut(a, c)]);
      if (b > level !== d > level) ends.push([x + h, y + h * cut(b, d)]);
      if (c > level !== d > level) ends.push([x + h * cut(c, d), y + h]);
      for (let m = 0; m + 1 < ends.length; m += 2) {
        pen.moveTo(...ends[m]);
        pen.lineTo(...ends[m + 1]);
      }
    }
  }
  pen.stroke();
}

/** The pen of a canvas, cleared, with the size that it has on the page: [pen, width, height]. */
export function cleared(canvas) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}
