/** The timeline's lanes: frames by state, cuts, keys, issues, notes, the playhead. A state differs in form and not in colour alone. */
import type { Frames, FrameState } from "../engine/types";

export interface Lanes {
  first: number;
  last: number;
  frame: number;
  frames: Frames | null;
  /** Frames with a key of the parameter that is chosen in the panel. */
  keys: number[];
  /** The key that is dragged: it is drawn larger. */
  grabbed: number | null;
  scale: number;
}

const COLORS: Record<FrameState, string> = {
  rendered: "#5fa777",
  stale: "#c79a45",
  failed: "#d8594f",
  missing: "#2b2f36",
  "plate-missing": "#15171b",
};
const MARGIN = 12;
/** The lane of keys: its middle, and half of what a pointer may miss it by. */
const KEYS = 48;
const NEAR = 7;

/** The key under a point of the timeline, or null; all in CSS pixels. */
export function keyAt(x: number, y: number, width: number, lanes: Pick<Lanes, "first" | "last" | "keys">, scale: number): number | null {
  if (Math.abs(y - KEYS * scale) > NEAR * scale) return null;
  const step = (width - 2 * MARGIN * scale) / (lanes.last - lanes.first + 1);
  const away = (key: number) => Math.abs(MARGIN * scale + (key - lanes.first + 0.5) * step - x);
  const near = lanes.keys.filter((key) => away(key) <= NEAR * scale);
  return near.length ? near.reduce((best, key) => (away(key) < away(best) ? key : best)) : null;
}

/** The frame under a point of the timeline, both in CSS pixels; `scale` is that of the page's text. */
export function frameAt(x: number, width: number, first: number, last: number, scale: number): number {
  const margin = MARGIN * scale;
  const inside = (x - margin) / Math.max(width - 2 * margin, 1);
  return Math.round(Math.min(Math.max(first + inside * (last - first + 1) - 0.5, first), last));
}

export function drawTimeline(context: CanvasRenderingContext2D, lanes: Lanes): void {
  const { canvas } = context;
  const s = lanes.scale;
  const count = lanes.last - lanes.first + 1;
  const step = (canvas.width - 2 * MARGIN * s) / count;
  const left = (frame: number) => MARGIN * s + (frame - lanes.first) * step;
  const middle = (frame: number) => left(frame) + step / 2;
  context.clearRect(0, 0, canvas.width, canvas.height);
  ruler(context, lanes, step, middle);
  const [top, height] = [24 * s, 14 * s];
  for (let frame = lanes.first; frame <= lanes.last; frame += 1) {
    const state = lanes.frames?.states[String(frame)] ?? "missing";
    const gap = step > 5 * s ? s : 0;
    cell(context, state, left(frame), top, Math.max(step - gap, 1), height, s);
  }
  for (const cut of lanes.frames?.cuts ?? []) {
    context.fillStyle = "#e8eaee";
    context.fillRect(left(cut) - s, 20 * s, 2 * s, 22 * s);
  }
  for (const key of lanes.keys) diamond(context, middle(key), KEYS * s, (key === lanes.grabbed ? 7 : 5) * s);
  for (const name of Object.keys(lanes.frames?.issues ?? {})) triangle(context, middle(Number(name)), 58 * s, 5 * s);
  for (const note of lanes.frames?.notes ?? []) {
    context.fillStyle = "#7ab6e8";
    context.fillRect(middle(note) - 4 * s, 64 * s, 8 * s, 6 * s);
  }
  context.fillStyle = "#f4f5f7";
  context.fillRect(middle(lanes.frame) - s / 2, 0, s, canvas.height);
  context.font = `600 ${12 * s}px system-ui, sans-serif`;
  const text = String(lanes.frame);
  const wide = context.measureText(text).width + 8 * s;
  const x = Math.min(Math.max(middle(lanes.frame) - wide / 2, 0), canvas.width - wide);
  context.fillRect(x, 0, wide, 16 * s);
  context.fillStyle = "#111318";
  context.fillText(text, x + 4 * s, 12 * s);
}

function ruler(context: CanvasRenderingContext2D, lanes: Lanes, step: number, middle: (frame: number) => number): void {
  const s = lanes.scale;
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => size * step > 46 * s) ?? 2000;
  context.font = `${11 * s}px system-ui, sans-serif`;
  context.fillStyle = "#9aa1ac";
  for (let frame = Math.ceil(lanes.first / every) * every; frame <= lanes.last; frame += every) {
    const text = String(frame);
    context.fillText(text, middle(frame) - context.measureText(text).width / 2, 12 * s);
    context.fillRect(middle(frame) - s / 2, 16 * s, s, 4 * s);
  }
}

function cell(context: CanvasRenderingContext2D, state: FrameState, x: number, y: number, w: number, h: number, s: number): void {
  context.fillStyle = COLORS[state];
  const inset = state === "stale" ? h * 0.4 : 0;
  if (state === "stale") {
    context.fillStyle = COLORS.missing;
    context.fillRect(x, y, w, h);
    context.fillStyle = COLORS.stale;
  }
  context.fillRect(x, y + inset, w, h - inset);
  if (state !== "failed") return;
  context.strokeStyle = "#14161a";
  context.lineWidth = 1.5 * s;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + w, y + h);
  context.moveTo(x + w, y);
  context.lineTo(x, y + h);
  context.stroke();
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  context.fillStyle = "#e8d27a";
  context.beginPath();
  context.moveTo(x, y - r);
  context.lineTo(x + r, y);
  context.lineTo(x, y + r);
  context.lineTo(x - r, y);
  context.fill();
}

function triangle(context: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  context.fillStyle = "#e2885c";
  context.beginPath();
  context.moveTo(x, y - r);
  context.lineTo(x + r, y + r * 0.7);
  context.lineTo(x - r, y + r * 0.7);
  context.fill();
}
