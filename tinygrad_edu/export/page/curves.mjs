// Curves over the epochs: lines on a canvas.

const fonts = new WeakMap();

/** The font of a canvas, asked for once: to ask is to have the page laid out. */
function fontOf(canvas) {
  if (!fonts.has(canvas)) fonts.set(canvas, getComputedStyle(canvas).fontFamily);
  return fonts.get(canvas);
}

/** Round numbers from 0 or below `low` to `high`, three to six of them. */
export function ticksFor(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 3));
  const step = [1, 2, 5, 10].map((k) => k * power).find((width) => span / width <= 5);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(k * step);
  return ticks;
}

/** Of many numbers at most about `most`: of each run the smallest and the largest, in their order. */
export function thinned(numbers, most) {
  const run = Math.ceil((2 * numbers.length) / most);
  if (run <= 2) return numbers.map((y, k) => [k, y]);
  const points = [];
  for (let start = 0; start < numbers.length; start += run) {
    let least = start, largest = start;
    for (let k = start; k < Math.min(start + run, numbers.length); k++) {
      if (numbers[k] < numbers[least]) least = k;
      if (numbers[k] > numbers[largest]) largest = k;
    }
    for (const k of [...new Set([least, largest])].sort((a, b) => a - b)) points.push([k, numbers[k]]);
  }
  return points;
}

/** A number with three decimals; below 0.0005 one digit and the power; with a real minus. */
export function shown(x) {
  if (x === undefined || x === null) return "·";
  const small = x !== 0 && Math.abs(x) < 0.0005;
  const large = Math.abs(x) >= 1e5;
  const text = x === 0 ? "0" : small || large ? x.toExponential(0) : x.toFixed(3);
  return text.replace("e+", "e").replaceAll("-", "\u2212");
}

/** A round number of an axis. */
const ofAxis = (x) => String(Number(x.toPrecision(3))).replace("e+", "e").replaceAll("-", "\u2212");

/** Draw lines, [numbers, name of the colour, dashed] each; `range` fixes the bounds, if it is given. */
export function drawCurves(canvas, colours, lines, { range = null, label = ofAxis } = {}) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return;
  if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = `11px ${fontOf(canvas)}`;
  const finite = lines.flatMap(([numbers]) => bounds(numbers));
  const [low, high] = range ?? (finite.length ? [Math.min(0, ...finite), Math.max(...finite, 1e-9)] : [0, 1]);
  const epochs = Math.max(2, ...lines.map(([numbers]) => numbers.length));
  const ticks = ticksFor(low, high);
  const left = 8 + Math.max(...ticks.map((y) => pen.measureText(label(y)).width));
  const x = (k) => left + ((width - left - 6) * k) / (epochs - 1);
  const y = (value) => height - 18 - ((height - 26) * (value - low)) / (high - low || 1);
  pen.fillStyle = colours.of("--soft");
  pen.strokeStyle = colours.of("--line");
  pen.lineWidth = 1;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of ticks) {
    const at = Math.round(y(tick)) + 0.5;
    pen.fillText(label(tick), left - 6, at);
    stroke(pen, [[left, at], [width - 6, at]]);
  }
  pen.textBaseline = "alphabetic";
  for (const epoch of ticksFor(1, epochs).filter((tick) => Number.isInteger(tick))) {
    pen.textAlign = epoch > epochs * 0.95 ? "right" : "center";
    pen.fillText(String(epoch), x(epoch - 1), height - 3);
  }
  for (const [numbers, name, dashed] of lines) {
    pen.strokeStyle = colours.of(name);
    pen.lineWidth = 1.75;
    pen.setLineDash(dashed ? [5, 4] : []);
    const points = thinned(numbers, 2 * width).filter(([, value]) => Number.isFinite(value));
    stroke(pen, points.map(([k, value]) => [x(k), y(Math.min(high, Math.max(low, value)))]));
  }
  pen.setLineDash([]);
}

/** The least and the largest of the finite ones. */
function bounds(numbers) {
  let low = Infinity, high = -Infinity;
  for (const x of numbers) {
    if (Number.isFinite(x)) [low, high] = [Math.min(low, x), Math.max(high, x)];
  }
  return low <= high ? [low, high] : [];
}

function stroke(pen, points) {
  pen.beginPath();
  if (points.length === 1) pen.arc(...points[0], 1, 0, 7);
  for (const point of points) pen.lineTo(...point);
  pen.stroke();
}
