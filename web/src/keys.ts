/** What the keyboard does. The list is also the page's help on keys. */
import type { Workspace } from "./state/workspace.svelte";

export interface Shortcut {
  keys: string;
  label: string;
  run: (ws: Workspace) => void;
}

const step = (by: number) => (ws: Workspace) => ws.go(ws.frame + by);
const pan = (x: number, y: number) => (ws: Workspace) => ws.view.pan(x, y, ws.shot.shot?.pixel_aspect ?? 1);
const compare = (mode: Workspace["view"]["comparison"]) => (ws: Workspace) => ws.compare(mode);

export const SHORTCUTS: Shortcut[] = [
  { keys: "ArrowLeft", label: "Previous frame", run: step(-1) },
  { keys: "ArrowRight", label: "Next frame", run: step(1) },
  { keys: "Shift+ArrowLeft", label: "Ten frames back", run: step(-10) },
  { keys: "Shift+ArrowRight", label: "Ten frames on", run: step(10) },
  { keys: "Home", label: "First frame", run: (ws) => ws.go(ws.shot.shot?.first ?? 0) },
  { keys: "End", label: "Last frame", run: (ws) => ws.go(ws.shot.shot?.last ?? 0) },
  { keys: "j", label: "Play backwards; again: faster", run: (ws) => ws.player.push(-1, ws.frame) },
  { keys: "k", label: "Stop", run: (ws) => ws.player.stop() },
  { keys: "l", label: "Play; again: faster", run: (ws) => ws.player.push(1, ws.frame) },
  { keys: " ", label: "Play or stop", run: (ws) => (ws.player.playing ? ws.player.stop() : ws.player.push(1, ws.frame)) },
  { keys: "[", label: "Previous issue or note", run: (ws) => ws.stepIssue(-1) },
  { keys: "]", label: "Next issue or note", run: (ws) => ws.stepIssue(1) },
  { keys: ",", label: "Previous key of the parameter that was touched last", run: (ws) => ws.stepKey(-1) },
  { keys: ".", label: "Next key of it", run: (ws) => ws.stepKey(1) },
  { keys: "Alt+Shift+ArrowLeft", label: "Move its key on this frame one frame back", run: (ws) => void ws.nudgeKey(-1) },
  { keys: "Alt+Shift+ArrowRight", label: "Move its key on this frame one frame on", run: (ws) => void ws.nudgeKey(1) },
  { keys: "n", label: "New note on this frame", run: (ws) => ws.writeNote() },
  { keys: "a", label: "Show A", run: compare("a") },
  { keys: "b", label: "Show B", run: compare("b") },
  { keys: "w", label: "Wipe between A and B", run: compare("wipe") },
  { keys: "s", label: "A and B side by side", run: compare("side") },
  { keys: "d", label: "Difference of A and B", run: compare("difference") },
  { keys: "f", label: "Fit the plate", run: (ws) => ws.fit() },
  { keys: "1", label: "One plate pixel on one screen pixel", run: (ws) => ws.view.oneToOne() },
  { keys: "z", label: "Zoom to the face", run: (ws) => ws.zoomToFace() },
  { keys: "+", label: "Zoom in", run: (ws) => ws.view.scale(1.25) },
  { keys: "-", label: "Zoom out", run: (ws) => ws.view.scale(0.8) },
  { keys: "Alt+ArrowLeft", label: "Move the view left", run: pan(80, 0) },
  { keys: "Alt+ArrowRight", label: "Move the view right", run: pan(-80, 0) },
  { keys: "Alt+ArrowUp", label: "Move the view up", run: pan(0, 80) },
  { keys: "Alt+ArrowDown", label: "Move the view down", run: pan(0, -80) },
  { keys: "e", label: "Exposure up half a stop", run: (ws) => (ws.view.exposure = Math.min(ws.view.exposure + 0.5, 8)) },
  { keys: "Shift+E", label: "Exposure down half a stop", run: (ws) => (ws.view.exposure = Math.max(ws.view.exposure - 0.5, -8)) },
  { keys: "0", label: "Exposure 0 and gamma 1", run: (ws) => ((ws.view.exposure = 0), (ws.view.gamma = 1)) },
  { keys: "Ctrl+z", label: "Undo", run: (ws) => void ws.undo() },
  { keys: "Ctrl+Shift+Z", label: "Redo", run: (ws) => void ws.redo() },
  { keys: "?", label: "Show this list", run: (ws) => (ws.help = true) },
];

const NAMES: Record<string, string> = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

export function spoken(keys: string): string {
  const last = keys === "+" || keys === " " ? keys : (keys.split("+").at(-1) ?? keys);
  const before = keys.length > 1 ? keys.slice(0, keys.length - last.length) : "";
  return before.replaceAll("+", " + ") + (NAMES[last] ?? (last.length === 1 ? last.toUpperCase() : last));
}

/** Fields and sliders keep their keys; so does whatever is in a dialog. */
function isTaken(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (target.closest("[role=dialog], input, textarea, select")) return !event.ctrlKey || target.matches("input, textarea");
  const moves = event.key.startsWith("Arrow") || ["Home", "End", " ", "Enter"].includes(event.key);
  if (moves && target.closest("[role=slider]:not(.timeline), [role=tab], [role=radio]")) return true;
  return [" ", "Enter"].includes(event.key) && target.closest("button, a, summary") !== null;
}

export function onKey(event: KeyboardEvent, ws: Workspace): void {
  if (isTaken(event)) return;
  const control = event.ctrlKey || event.metaKey;
  const symbol = event.key.length === 1 && !/[a-zA-Z ]/.test(event.key);
  const parts = [control ? "Ctrl" : "", event.altKey ? "Alt" : "", event.shiftKey && !symbol ? "Shift" : "", event.key];
  const pressed = parts.filter(Boolean).join("+");
  const found = SHORTCUTS.find((shortcut) => shortcut.keys === pressed);
  if (!found) return;
  event.preventDefault();
  found.run(ws);
}
