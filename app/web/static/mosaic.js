// How an album lies: rows of pictures whose shapes decide who stands beside whom, as in Telegram.
// Returns boxes in units of the given width: [{x, y, w, h}], and the height of the whole.

const GAP = 2;

export function mosaic(shapes, width = 430) {
  const ratios = shapes.map(([w, h]) => w / h);
  const kinds = ratios.map((r) => (r > 1.2 ? "w" : r < 0.8 ? "n" : "q")).join("");
  const mean = ratios.reduce((sum, r) => sum + r, 0) / ratios.length;
  const wild = ratios.some((r) => r > 2);
  const boxes = wild || shapes.length > 4 ? rows(ratios, mean, width) : few(ratios, kinds, mean, width);
  return { boxes, width, height: Math.max(...boxes.map((box) => box.y + box.h)) };
}

function few(ratios, kinds, mean, width) {
  if (ratios.length === 1) return [{ x: 0, y: 0, w: width, h: Math.min(width / ratios[0], width * 1.2) }];
  if (ratios.length === 2) return two(ratios, kinds, mean, width);
  return ratios.length === 3 ? three(ratios, kinds, width) : four(ratios, kinds, width);
}

function two([a, b], kinds, mean, width) {
  const alike = kinds[0] === kinds[1];
  if (kinds === "ww" && mean > 1.4 && Math.abs(a - b) < 0.2) {
    const h = Math.min(width / a, width / b, (width - GAP) / 2);
    return [{ x: 0, y: 0, w: width, h }, { x: 0, y: h + GAP, w: width, h }];
  }
  if (alike) {
    const w = (width - GAP) / 2;
    const h = Math.min(w / a, w / b, width);
    return [{ x: 0, y: 0, w, h }, { x: w + GAP, y: 0, w, h }];
  }
  const small = Math.max(width * 0.3, Math.round((width - GAP) / a / (1 / a + 1 / b)));
  const second = Math.min(small, width * 0.6);
  const first = width - GAP - second;
  const h = Math.min(width, first / a, second / b);
  return [{ x: 0, y: 0, w: first, h }, { x: first + GAP, y: 0, w: second, h }];
}

function three([a, b, c], kinds, width) {
  if (kinds[0] === "n") {
    const low = Math.min((width - GAP) / 2, Math.round((b * (width - GAP)) / (b + c)));
    const high = width - low - GAP;
    const right = Math.max(width * 0.3, Math.min((width - GAP) / 2, Math.round(Math.min(low * c, high * b))));
    const left = Math.min(Math.round(width * a), width - GAP - right);
    return [
      { x: 0, y: 0, w: left, h: width },
      { x: left + GAP, y: 0, w: width - left - GAP, h: high },
      { x: left + GAP, y: high + GAP, w: width - left - GAP, h: low },
    ];
  }
  const top = Math.min(width / a, (width - GAP) * 0.66);
  const w = (width - GAP) / 2;
  const h = Math.max(width * 0.2, Math.min(width - top - GAP, w / b, w / c));
  return [
    { x: 0, y: 0, w: width, h: top },
    { x: 0, y: top + GAP, w, h },
    { x: w + GAP, y: top + GAP, w, h },
  ];
}

function four([a, b, c, d], kinds, width) {
  if (kinds[0] === "w") {
    const top = Math.min(width / a, (width - GAP) * 0.66);
    const line = (width - 2 * GAP) / (b + c + d);
    const h = Math.max(width * 0.2, Math.min(width - top - GAP, line));
    const first = Math.max(width * 0.25, Math.min((width - 2 * GAP) * 0.4, h * b));
    const last = Math.max(width * 0.25, Math.min((width - 2 * GAP) * 0.4, h * d));
    const middle = width - first - last - 2 * GAP;
    const y = top + GAP;
    return [
      { x: 0, y: 0, w: width, h: top },
      { x: 0, y, w: first, h },
      { x: first + GAP, y, w: middle, h },
      { x: first + middle + 2 * GAP, y, w: last, h },
    ];
  }
  const line = (width - 2 * GAP) / (1 / b + 1 / c + 1 / d);
  const side = Math.max(width * 0.25, Math.min(line, width * 0.45));
  const big = Math.min(Math.round(width * a), width - GAP - side);
  const w = width - big - GAP;
  const total = w / b + w / c + w / d;
  const heights = [b, c, d].map((r) => ((width - 2 * GAP) * (w / r)) / total);
  let y = 0;
  const right = heights.map((h) => {
    const box = { x: big + GAP, y, w, h };
    y += h + GAP;
    return box;
  });
  return [{ x: 0, y: 0, w: big, h: width }, ...right];
}

// Five and more: every way to break them into two to four lines; the one nearest to a square wins.
function rows(ratios, mean, width) {
  const cropped = ratios.map((r) => Math.min(1.7, Math.max(0.667, mean > 1.1 ? Math.max(1, r) : Math.min(1, r))));
  const height = (line) => (width - (line.length - 1) * GAP) / line.reduce((sum, r) => sum + r, 0);
  let best = null;
  for (const counts of splits(cropped.length, mean < 0.85 ? 4 : 3)) {
    let at = 0;
    const lines = counts.map((count) => cropped.slice(at, (at += count)));
    const heights = lines.map(height);
    const total = heights.reduce((sum, h) => sum + h, 0) + GAP * (heights.length - 1);
    let badness = Math.abs(total - width);
    if (Math.min(...heights) < width * 0.23) badness *= 1.5;
    if (counts.some((count, index) => index > 0 && counts[index - 1] > count)) badness *= 1.5;
    if (!best || badness < best.badness) best = { badness, lines, heights };
  }
  const boxes = [];
  let y = 0;
  best.lines.forEach((line, index) => {
    const h = best.heights[index];
    let x = 0;
    line.forEach((r, place) => {
      const w = place === line.length - 1 ? width - x : r * h;
      boxes.push({ x, y, w, h });
      x += w + GAP;
    });
    y += h + GAP;
  });
  return boxes;
}

function* splits(count, most, lines = 4) {
  if (lines === 0) return;
  if (count <= most) yield [count];
  for (let first = 1; first <= Math.min(most, count - 1); first += 1) {
    for (const rest of splits(count - first, most, lines - 1)) yield [first, ...rest];
  }
}
