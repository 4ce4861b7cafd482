/** Lines over the picture: the wipe, the data window, the track's box and mesh, handles of corrections, faces to choose. */
import type { Mesh, Rect, Topology } from "../engine/types";
import type { Candidates } from "../state/track.svelte";

export interface Handle {
  region: string;
  at: [number, number];
}

export interface Overlay {
  toCanvas: (x: number, y: number) => [number, number];
  height: number;
  /** Width of the left pane; the canvas's where there is one pane. */
  pane: number;
  scale: number;
  wipe: number | null;
  window: Rect | null;
  mesh: Mesh | null;
  showMesh: boolean;
  showBox: boolean;
  topology: Topology | null;
  handles: Handle[];
  grabbed: string;
  candidates: Candidates["faces"];
}

const LINE = "rgb(122 182 232 / 0.9)";
const FAINT = "rgb(122 182 232 / 0.35)";
const WARM = "#f0b35a";

export function drawOverlay(context: CanvasRenderingContext2D, overlay: Overlay): void {
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.lineWidth = overlay.scale;
  context.save();
  if (overlay.pane < context.canvas.width) {
    // Lines belong to the left pane alone.
    context.fillStyle = "rgb(255 255 255 / 0.35)";
    context.fillRect(overlay.pane - overlay.scale / 2, 0, overlay.scale, overlay.height);
    context.beginPath();
    context.rect(0, 0, overlay.pane, overlay.height);
    context.clip();
  }
  drawLines(context, overlay);
  context.restore();
}

function drawLines(context: CanvasRenderingContext2D, overlay: Overlay): void {
  if (overlay.window) rectangle(context, overlay, overlay.window, "rgb(255 255 255 / 0.18)");
  if (overlay.mesh) drawFace(context, overlay, overlay.mesh);
  for (const { number, box } of overlay.candidates) {
    context.lineWidth = 2 * overlay.scale;
    rectangle(context, overlay, box, WARM);
    const [x, y] = overlay.toCanvas(box[0], box[1]);
    context.fillStyle = WARM;
    context.font = `600 ${14 * overlay.scale}px system-ui, sans-serif`;
    context.fillText(String(number), x + 4 * overlay.scale, y - 5 * overlay.scale);
  }
  if (overlay.wipe !== null) {
    const [x] = overlay.toCanvas(overlay.wipe, 0);
    context.fillStyle = "rgb(255 255 255 / 0.85)";
    context.fillRect(Math.round(x) - overlay.scale / 2, 0, overlay.scale, overlay.height);
    context.beginPath();
    context.arc(x, overlay.height - 18 * overlay.scale, 6 * overlay.scale, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawFace(context: CanvasRenderingContext2D, overlay: Overlay, mesh: Mesh): void {
  const { topology } = overlay;
  if (overlay.showBox) rectangle(context, overlay, mesh.box, LINE);
  if (overlay.showMesh && topology) {
    context.strokeStyle = FAINT;
    context.lineWidth = 0.6 * overlay.scale;
    context.beginPath();
    for (const triangle of topology.triangles) line(context, overlay, mesh, triangle, true);
    context.stroke();
    context.strokeStyle = LINE;
    context.lineWidth = 1.2 * overlay.scale;
    context.beginPath();
    for (const contour of Object.values(topology.contours)) line(context, overlay, mesh, contour, false);
    context.stroke();
  }
  for (const { region, at } of overlay.handles) {
    const [x, y] = overlay.toCanvas(...at);
    context.beginPath();
    context.arc(x, y, (region === overlay.grabbed ? 8 : 5) * overlay.scale, 0, 2 * Math.PI);
    context.fillStyle = region === overlay.grabbed ? WARM : "rgb(18 20 24 / 0.7)";
    context.strokeStyle = WARM;
    context.lineWidth = 1.5 * overlay.scale;
    context.fill();
    context.stroke();
  }
}

function line(context: CanvasRenderingContext2D, overlay: Overlay, mesh: Mesh, indices: number[], closed: boolean): void {
  indices.forEach((index, place) => {
    const point = mesh.points[index];
    if (!point) return;
    const [x, y] = overlay.toCanvas(point[0], point[1]);
    if (place === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
  if (closed) context.closePath();
}

function rectangle(context: CanvasRenderingContext2D, overlay: Overlay, [x, y, w, h]: Rect, color: string): void {
  const [x0, y0] = overlay.toCanvas(x, y);
  const [x1, y1] = overlay.toCanvas(x + w, y + h);
  context.strokeStyle = color;
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
}
