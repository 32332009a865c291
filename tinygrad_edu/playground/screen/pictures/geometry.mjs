// Where units and lines of a net stand: numbers alone, no elements.

import { clamp } from "../elements.mjs";

const TOP = 58; // heads of layers
const LEFT = 54; // names of inputs

/**
 * Places for a net of these sizes in a stage. `given`: sizes, width, height; open, whether an example is
 * shown; phone; number, the width of a number in the reader's font.
 *
 * {x, y} of the middle of each map's left edge by layer and unit; M the side of a map, T the width of numbers
 * beside it, low where one number stands below instead; flat where the legend is a strip; width, what is
 * needed; row, the height of a number; half, half the width of a label on a line; goal {x, y}.
 */
export function placesFor({ sizes, width, height, open, phone, number }) {
  const most = Math.max(...sizes);
  const last = sizes.length - 1;
  const T = Math.ceil(number) + 33;
  let below = phone ? (open ? 96 : 28) : 0;
  let H = height - TOP - below;
  let pitch = Math.min(92, H / most);
  const room = (side) => (width - side - T - LEFT) / last - side - T >= 40;
  let M = pitch >= 66 && room(52) ? 52 : 44;
  let needed = width;
  const low = !room(M);
  if (low) {
    M = pitch < 60 ? 36 : 42;
    needed = Math.max(width, LEFT + last * 84 + M + 6);
  }
  const gap = (needed - LEFT - (low ? M + 6 : M + T)) / last;
  const right = LEFT + (last - 1) * gap + M + (low ? 8 : open ? T : 0);
  const corner = open ? (low ? 96 : 60) : 22;
  const bottom = (units) => (H + units * pitch) / 2;
  const crossed = last > 1 && right > needed - (low ? 176 : 168) && bottom(sizes[last - 1]) > H - corner;
  const flat = !phone && (crossed || bottom(sizes[last]) + (open ? 58 : 0) > H - corner);
  if (flat) {
    below = open ? 40 : 24;
    H -= below;
    pitch = Math.min(92, H / most);
    if (low) M = pitch < 50 ? 30 : pitch < 60 ? 36 : 42;
  }
  const x = sizes.map((_, layer) => LEFT + layer * gap);
  const y = sizes.map((units) =>
    Array.from({ length: units }, (_, unit) => TOP + H / 2 + (unit - (units - 1) / 2) * pitch - (low ? 7 : 0)),
  );
  const goal = { x: Math.min(x[last], needed - (low ? 58 : 78)), y: y[last].at(-1) + M / 2 + (low ? 18 : 0) };
  return {
    sizes,
    x,
    y,
    M,
    T,
    low,
    flat,
    open,
    gap,
    goal,
    width: needed,
    row: clamp((pitch - 4) / 3, 16, 19),
    half: Math.ceil(number * 0.44) + 1,
  };
}

/** The height that a net needs on a phone, where the page scrolls. */
export const heightFor = (sizes, open) =>
  TOP + Math.max(...sizes) * 62 + (open ? 96 + 24 * (sizes.at(-1) > 1) : 28);

/** The lines of the net: {layer, unit, k, x0, y0, x1, y1, d}, d being the path. */
export function linesFor(places) {
  const { sizes, x, y, M, T, open, low } = places;
  return sizes.slice(1).flatMap((units, l) =>
    Array.from({ length: units }, (_, unit) =>
      Array.from({ length: sizes[l] }, (__, k) => {
        const x0 = x[l] + M + (open && !low && l > 0 ? T : 0) + 1;
        const x1 = x[l + 1] - 1;
        const [y0, y1, c] = [y[l][k], y[l + 1][unit], (x1 - x0) * 0.42];
        const d = `M${x0} ${y0}C${x0 + c} ${y0} ${x1 - c} ${y1} ${x1} ${y1}`;
        return { layer: l + 1, unit, k, x0, y0, x1, y1, d };
      }),
    ).flat(),
  );
}

/** The point of a line a share t of the way. */
export function pointOf({ x0, y0, x1, y1 }, t) {
  const c = (x1 - x0) * 0.42;
  const u = 1 - t;
  const [a, b, d, e] = [u ** 3, 3 * u * u * t, 3 * u * t * t, t ** 3];
  return [a * x0 + b * (x0 + c) + d * (x1 - c) + e * x1, y0 * (a + b) + y1 * (d + e)];
}

/** The line within 16 px of a place, or null. */
export function nearestLine(lines, x, y) {
  let found = null;
  let least = 16;
  for (const line of lines) {
    if (x < line.x0 + 6 || x > line.x1 - 4) continue;
    const t = (x - line.x0) / (line.x1 - line.x0);
    for (let k = -2; k <= 2; k++) {
      const [px, py] = pointOf(line, clamp(t + k * 0.06, 0, 1));
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [least, found] = [distance, line];
    }
  }
  return found;
}

/** [line, x, y] for a label on each of the lines of a gap, none touching another; null if there is no such way. */
export function labelPlaces(lines, sizes, half) {
  const [{ layer }] = lines;
  const best = 0.5 + 0.2 * Math.sign(sizes[layer] - sizes[layer - 1]); // where the lines stand apart
  const tries = Array.from({ length: 25 }, (_, k) => 0.14 + 0.03 * k).sort(
    (a, b) => Math.abs(a - best) - Math.abs(b - best),
  );
  for (let turn = 0; turn < Math.min(8, lines.length); turn++) {
    const placed = [];
    for (const line of [...lines.slice(turn), ...lines.slice(0, turn)]) {
      const at = tries
        .map((t) => pointOf(line, t))
        .find(
          ([x, y]) =>
            x - half > line.x0 - 2 &&
            x + half < line.x1 + 2 &&
            placed.every(([, px, py]) => Math.abs(px - x) > 2 * half + 1 || Math.abs(py - y) > 13),
        );
      if (!at) break;
      placed.push([line, ...at]);
    }
    if (placed.length === lines.length) return placed;
  }
  return null;
}
