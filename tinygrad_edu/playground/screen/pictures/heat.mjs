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

  /** The colour of one number by a scale, as a colour of a pen. */
  inkOf(number, { factor, shift }) {
    const share = Math.max(-1, Math.min(1, (number - shift) * factor));
    const packed = this.signs(MAP)[256 + Math.round(share * 256)];
    return `rgb(${packed & 255}, ${(packed >> 8) & 255}, ${(packed >> 16) & 255})`;
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

  /** Numbers in the colours of their signs by a scale (see `scaleOf`), pale or not; `flat` tells the sign alone. */
  draw(canvas, numbers, { factor, shift, bent }, { pale = false, flat = false } = {}) {
    const table = this.signs(pale ? PLANE : MAP);
    const pixels = pixelsOf(canvas);
    const [scale, zero] = [factor * 256, 256.5 - shift * factor * 256]; // of the table, and half a place to round
    for (let k = 0; k < pixels.length; k++) {
      let x = numbers[k];
      if (flat) x = shift + (Math.sign(x - shift) * 0.8) / factor;
      else if (bent) x = shift + Math.tanh((x - shift) * factor) / factor;
      const place = x * scale + zero;
      pixels[k] = table[place < 0 ? 0 : place > 512 ? 512 : place | 0];
    }
    put(canvas);
  }

  /** The class with the largest output, the paler the less it stands out among all. */
  drawClasses(canvas, outputs, flat) {
    const tables = this.classes(outputs.length);
    const least = 1 / outputs.length;
    const pixels = pixelsOf(canvas);
    for (let k = 0; k < pixels.length; k++) {
      let best = 0;
      for (let c = 1; c < outputs.length; c++) if (outputs[c][k] > outputs[best][k]) best = c;
      let sum = 0;
      for (let c = 0; c < outputs.length; c++) sum += Math.exp(outputs[c][k] - outputs[best][k]);
      const share = flat ? 0.8 : (1 / sum - least) / (1 - least);
      pixels[k] = tables[best][Math.round(share * 256)];
    }
    put(canvas);
  }
}

/** Pictures of maps: made once for each canvas. */
const pictures = new WeakMap();

function pixelsOf(canvas) {
  if (!pictures.has(canvas)) {
    Object.assign(canvas, { width: SIDE, height: SIDE });
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(SIDE, SIDE);
    pictures.set(canvas, { pen, image, pixels: new Uint32Array(image.data.buffer) });
  }
  return pictures.get(canvas).pixels;
}

function put(canvas) {
  const { pen, image } = pictures.get(canvas);
  pen.putImageData(image, 0, 0);
}

/**
 * How numbers of a unit become colours, {factor, shift, bent}: outputs by what they mean (bent: logits, as far
 * as their probability is from a half), tanh as it is, others by the largest.
 */
export function scaleOf(numbers, { head, classes, output, activation }) {
  if (output && classes && head.units === 1) {
    if (head.threshold !== 0) return { factor: 2, shift: head.threshold, bent: false };
    return head.low === 0 ? { factor: 0.5, shift: 0, bent: true } : { factor: 1, shift: 0, bent: false };
  }
  if (activation === "tanh") return { factor: 1, shift: 0, bent: false };
  let most = 1e-6;
  for (let k = 0; k < numbers.length; k++) {
    const size = numbers[k] < 0 ? -numbers[k] : numbers[k];
    if (size > most) most = size;
  }
  return { factor: 1 / most, shift: 0, bent: false };
}

/** How much larger the outputs of each class are than the largest of the others: 0 on the lines between regions. */
export function marginsOf(outputs) {
  const margins = outputs.map((numbers) => new Float64Array(numbers.length));
  for (let k = 0; k < outputs[0].length; k++) {
    let [best, most, second] = [0, -Infinity, -Infinity];
    for (let c = 0; c < outputs.length; c++) {
      const x = outputs[c][k];
      if (x > most) [best, most, second] = [c, x, most];
      else if (x > second) second = x;
    }
    for (let c = 0; c < outputs.length; c++) margins[c][k] = outputs[c][k] - (c === best ? second : most);
  }
  return margins;
}

/** Draw the line on which numbers cross a level: marching squares, w being the side of the picture. */
export function drawBoundary(pen, side, numbers, level) {
  const h = side / SIDE;
  const cut = (a, b) => (level - a) / (b - a);
  pen.beginPath();
  for (let row = 0; row < SIDE - 1; row++) {
    for (let column = 0; column < SIDE - 1; column++) {
      const k = row * SIDE + column;
      const a = numbers[k],
        b = numbers[k + 1],
        c = numbers[k + SIDE],
        d = numbers[k + SIDE + 1];
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

/** Sizes on the page, which cost a layout to be asked for: kept until `forgetSizes`. */
let sizesOnPage = new WeakMap();

export function forgetSizes() {
  sizesOnPage = new WeakMap();
}

/** The pen of a canvas, cleared, with the size that it has on the page: [pen, width, height]. */
export function cleared(canvas) {
  const ratio = devicePixelRatio || 1;
  if (!sizesOnPage.has(canvas)) sizesOnPage.set(canvas, [canvas.clientWidth, canvas.clientHeight]);
  const [width, height] = sizesOnPage.get(canvas);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}
